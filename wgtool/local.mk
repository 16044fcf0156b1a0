# wgtool
