# unit tests of meshd: add each to UNIT_TESTS
meshd_test_cppflags = $(AM_CPPFLAGS) -I$(srcdir)/tests/unit $(CMOCKA_CFLAGS)
# a test has several records of 2 KiB side by side
meshd_test_cflags = $(AM_CFLAGS) -Wno-frame-larger-than
meshd_test_ldadd = $(meshd_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_ipam
tests_unit_test_ipam_SOURCES = tests/unit/test_ipam.c
tests_unit_test_ipam_CPPFLAGS = $(meshd_test_cppflags)
tests_unit_test_ipam_LDADD = $(meshd_test_ldadd)

UNIT_TESTS += tests/unit/test_netmap
tests_unit_test_netmap_SOURCES = tests/unit/test_netmap.c
tests_unit_test_netmap_CPPFLAGS = $(meshd_test_cppflags)
tests_unit_test_netmap_CFLAGS = $(meshd_test_cflags)
tests_unit_test_netmap_LDADD = $(meshd_test_ldadd)

UNIT_TESTS += tests/unit/test_event
tests_unit_test_event_SOURCES = tests/unit/test_event.c
tests_unit_test_event_CPPFLAGS = $(meshd_test_cppflags)
tests_unit_test_event_LDADD = $(meshd_test_ldadd)

UNIT_TESTS += tests/unit/test_meshd_conf
tests_unit_test_meshd_conf_SOURCES = tests/unit/test_meshd_conf.c
tests_unit_test_meshd_conf_CPPFLAGS = $(meshd_test_cppflags)
tests_unit_test_meshd_conf_LDADD = $(meshd_test_ldadd)

UNIT_TESTS += tests/unit/test_meshd_auth
tests_unit_test_meshd_auth_SOURCES = tests/unit/test_meshd_auth.c $(mesh_fixture)
tests_unit_test_meshd_auth_CPPFLAGS = $(meshd_test_cppflags)
tests_unit_test_meshd_auth_CFLAGS = $(meshd_test_cflags)
tests_unit_test_meshd_auth_LDADD = $(meshd_test_ldadd)

UNIT_TESTS += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(mesh_fixture)
tests_unit_test_store_CPPFLAGS = $(meshd_test_cppflags)
tests_unit_test_store_CFLAGS = $(meshd_test_cflags)
tests_unit_test_store_LDADD = $(meshd_test_ldadd)

UNIT_TESTS += tests/unit/test_tlskey
tests_unit_test_tlskey_SOURCES = tests/unit/test_tlskey.c $(mesh_fixture)
tests_unit_test_tlskey_CPPFLAGS = $(meshd_test_cppflags)
tests_unit_test_tlskey_CFLAGS = $(meshd_test_cflags)
tests_unit_test_tlskey_LDADD = $(meshd_test_ldadd)

meshd_lab = tests/unit/meshd_lab.c tests/unit/meshd_lab.h $(mesh_fixture)
UNIT_TESTS += tests/unit/test_api_routes
tests_unit_test_api_routes_SOURCES = tests/unit/test_api_routes.c $(meshd_lab)
tests_unit_test_api_routes_CPPFLAGS = $(meshd_test_cppflags)
tests_unit_test_api_routes_CFLAGS = $(meshd_test_cflags)
tests_unit_test_api_routes_LDADD = $(meshd_test_ldadd)

UNIT_TESTS += tests/unit/test_api_enroll
tests_unit_test_api_enroll_SOURCES = tests/unit/test_api_enroll.c $(meshd_lab)
tests_unit_test_api_enroll_CPPFLAGS = $(meshd_test_cppflags)
tests_unit_test_api_enroll_CFLAGS = $(meshd_test_cflags)
tests_unit_test_api_enroll_LDADD = $(meshd_test_ldadd)

UNIT_TESTS += tests/unit/test_api_nodes
tests_unit_test_api_nodes_SOURCES = tests/unit/test_api_nodes.c $(meshd_lab)
tests_unit_test_api_nodes_CPPFLAGS = $(meshd_test_cppflags)
tests_unit_test_api_nodes_CFLAGS = $(meshd_test_cflags)
tests_unit_test_api_nodes_LDADD = $(meshd_test_ldadd)

UNIT_TESTS += tests/unit/test_http
tests_unit_test_http_SOURCES = tests/unit/test_http.c $(meshd_lab)
tests_unit_test_http_CPPFLAGS = $(meshd_test_cppflags)
tests_unit_test_http_CFLAGS = $(meshd_test_cflags)
tests_unit_test_http_LDADD = $(meshd_test_ldadd)
