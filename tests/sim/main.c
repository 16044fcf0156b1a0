/*
 * sim [-v] [-n SEEDS] [SCENARIO [SEED]]: without a seed, SEEDS of them for each
 * scenario, the first of them twice to see that runs repeat. Speaks TAP.
 */
#include "config.h"

#include "tests/sim/sim.h"

#include <sodium.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

#define SEEDS 40

struct total {
	uint64_t runs, events, datagrams, packets, delivered, hash;
	double simulated_sec;
};

static bool run(const struct scenario *scenario, uint64_t seed, bool verbose,
	struct total *total, uint64_t *ret_hash)
{
	static struct world w;
	bool ok;

	world_init(&w, scenario, seed, verbose);
	world_run(&w);
	ok = !w.failed;
	total->runs++;
	total->events += w.events;
	total->datagrams += w.datagrams;
	total->packets += w.apps_len;
	total->delivered += w.delivered;
	total->hash = total->hash * 31 + w.hash;
	total->simulated_sec += (double)w.now_ns / 1e9;
	*ret_hash = w.hash;
	if (verbose)
		printf("# trace hash %016" PRIx64 "\n", w.hash);
	world_release(&w);
	return ok;
}

static bool run_scenario(const struct scenario *scenario, uint64_t first,
	uint64_t count, bool verbose, struct total *total)
{
	uint64_t hash, again;

	if (scenario->costs && count > 1)
		count = count / scenario->costs + 1;
	for (uint64_t i = 0; i < count; i++)
		if (!run(scenario, first + i, verbose, total, &hash))
			return false;
	if (!run(scenario, first + count - 1, false, total, &again))
		return false;
	if (again != hash) {
		printf("# seed 0x%" PRIx64 " ran differently again\n",
			first + count - 1);
		return false;
	}
	return true;
}

static void report(size_t number, bool ok, const struct scenario *scenario,
	const struct total *t)
{
	printf("%sok %zu - %s\n", ok ? "" : "not ", number, scenario->name);
	printf("# %" PRIu64 " runs, %.0f s, %" PRIu64 " events, %" PRIu64
	       " datagrams, %" PRIu64 "/%" PRIu64
	       " packets delivered, trace %016" PRIx64 "\n",
		t->runs, t->simulated_sec, t->events, t->datagrams,
		t->delivered, t->packets, t->hash);
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	uint64_t seed = 1, count = SEEDS;
	bool verbose = false, all_ok = true;
	size_t number = 0;
	int opt;

	while ((opt = getopt(argc, argv, "vn:")) != -1) {
		if (opt == 'v')
			verbose = true;
		else if (opt == 'n')
			count = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	if (optind < argc)
		only = argv[optind++];
	if (optind < argc) {
		seed = strtoull(argv[optind], NULL, 0);
		count = 1;
	}
	if (sodium_init() < 0 || !count)
		return 1;
	printf("# seeds 0x%" PRIx64 " to 0x%" PRIx64 "\n", seed,
		seed + count - 1);
	for (size_t i = 0; i < scenarios_count; i++) {
		struct total total = { 0 };
		bool ok;

		if (only && strcmp(only, scenarios[i].name) != 0)
			continue;
		ok = run_scenario(&scenarios[i], seed, count, verbose, &total);
		report(++number, ok, &scenarios[i], &total);
		all_ok &= ok;
	}
	printf("1..%zu\n", number);
	return all_ok && number ? 0 : 1;
}
