#!/usr/bin/env bash
# Runs one test for make. cmocka 1.1.5 prints a skipped case as "not ok # SKIP",
# which TAP counts as a failure: here it becomes what is meant.
set -o pipefail
"$@" | sed -uE 's/^not ok ([0-9]+ +(- +)?# SKIP)/ok \1/'
