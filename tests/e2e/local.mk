# tests/e2e: real programs in network namespaces. Needs root. Run all with
# `make check-e2e`, one with `SRCDIR=. BUILDDIR=build bash tests/e2e/NAME.sh`.
E2E_TESTS += \
	tests/e2e/10_engine_pair.sh \
	tests/e2e/11_engine_wg.sh \
	tests/e2e/12_engine_quick.sh \
	tests/e2e/13_engine_foreign.sh \
	tests/e2e/14_engine_errors.sh \
	tests/e2e/15_engine_roam.sh \
	tests/e2e/16_engine_transfer.sh \
	tests/e2e/17_engine_wire.sh \
	tests/e2e/18_engine_paths.sh \
	tests/e2e/19_engine_modes.sh \
	tests/e2e/40_meshd_start.sh \
	tests/e2e/41_meshd_http.sh \
	tests/e2e/50_agent_boot.sh \
	tests/e2e/51_agent_sessions.sh \
	tests/e2e/52_agent_leave.sh \
	tests/e2e/53_agent_join.sh \
	tests/e2e/54_agent_nat.sh \
	tests/e2e/55_agent_roam.sh \
	tests/e2e/60_meshctl_words.sh \
	tests/e2e/61_meshctl_answers.sh \
	tests/e2e/62_meshctl_nodes.sh \
	tests/e2e/63_readme.sh \
	tests/e2e/70_mesh_pairs.sh \
	tests/e2e/71_mesh_outage.sh \
	tests/e2e/72_mesh_trust.sh \
	tests/e2e/73_mesh_badinput.sh \
	tests/e2e/80_quickstart.sh
EXTRA_DIST += tests/tap.sh tests/tap-run.sh tests/e2e/lab.sh tests/e2e/lib.sh \
	tests/e2e/engine.sh tests/e2e/mesh.sh tests/e2e/forge.py \
	tests/e2e/fake_coordinator.py \
	tests/e2e/wgpeer.py tests/e2e/wire_ds.py tests/e2e/wire_packets.py \
	tests/e2e/wire_trust.py tests/e2e/path_outer.py tests/e2e/path_load.py
