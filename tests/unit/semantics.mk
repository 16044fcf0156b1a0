# unit tests of the engine's semantics that need virtual time
UNIT_TESTS += tests/unit/test_semantics_time
tests_unit_test_semantics_time_SOURCES = tests/unit/test_semantics_time.c \
	$(core_test_common)
tests_unit_test_semantics_time_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_semantics_time_LDADD = $(core_test_ldadd)
