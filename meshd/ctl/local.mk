# meshd/ctl
