# meshd
