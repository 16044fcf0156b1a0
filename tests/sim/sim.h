/*
 * sim: devices of the engine's core in a world of virtual time: lossy links,
 * moving hosts, jumping clocks, restarts and an adversary with everything it
 * ever saw. One 64-bit seed fixes a run; its trace hash tells whether two runs
 * were the same. Nothing sleeps, nothing is read from the system.
 *
 *   scenario + seed -> faults -> world_run -> events in order of (time, number)
 *                                  every event -> check_* (threats 4.3)
 *
 *   time:  0 ------ faults ------ heal ---- traffic ---- quiet ---- silence
 *                                   `- 20.4 s: L1, L2          L3, S3
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "base/heap.h"
#include "engine/core/device.h"
#include "engine/core/keypair.h"
#include "engine/core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODES_MAX    5
#define DATAGRAM_MAX 1600
#define APP_SIZE_MAX 1200

#define MSEC	     NSEC_PER_MSEC
#define SEC	     NSEC_PER_SEC

/* --- what may go wrong; probabilities in 1/1000, 0 switches a fault off --- */
struct faults {
	int nodes;
	int loss, dup, corrupt, replay, garbage; /* a datagram */
	int64_t delay_min_ns, delay_max_ns;	 /* apart: reordering */
	int64_t cut_every_ns;	  /* one way between two nodes, for a while */
	int64_t roam_every_ns;	  /* mean */
	int64_t jump_every_ns;	  /* of one wall clock */
	int64_t restart_every_ns; /* of one node; its stamp file survives */
	int64_t flood_every_ns;	  /* 530 initiations of strangers */
	int spoof;		  /* an inner packet with another's source */
	int64_t app_every_ns;	  /* mean, for each ordered pair */
	uint16_t keepalive_sec;	  /* of node 0 */
	int skip;		  /* a sealed packet: up to 9000 counters */
	bool cross;		  /* everybody initiates at time 0 */
	bool one_way;		  /* only the lower number has traffic */
	bool restart_last;	  /* node 1, in the moment of healing */
	bool dead;		  /* nothing arrives until it heals */
	bool roam_alone;	  /* only node 0 roams, and nobody tells */
	int64_t duration_ns;	  /* until everything heals */
};

struct scenario {
	const char *name;
	struct faults worst;	  /* a seed takes some of each */
	bool exact;		  /* ...or all of it */
	uint64_t costs;		  /* so many times fewer seeds; 0 is 1 */
	uint64_t sessions_min;	  /* that must have come up between 0 and 1 */
	uint64_t sessions_max;	  /* 0: any number */
	int64_t first_session_ns; /* latest time for that; 0: any */
};
extern const struct scenario scenarios[];
extern const size_t scenarios_count;

/* --- the world --- */

enum event_kind {
	EVENT_DATAGRAM,
	EVENT_TICK,
	EVENT_WORK,
	EVENT_APP,
	EVENT_ROAM,
	EVENT_JUMP,
	EVENT_RESTART,
	EVENT_CUT,
	EVENT_FLOOD,
	EVENT_HEAL,
	EVENT_QUIET,
	EVENT_SILENCE,
	EVENT_END,
};

enum origin {
	GENUINE, /* as a node sent it */
	FORGED,	 /* a bit was flipped, or it was made up */
};

struct datagram {
	struct endpoint from, to;
	int author; /* node that made it */
	int sender; /* that sent it; -1: the adversary */
	enum origin origin;
	uint8_t ds;
	size_t len;
	uint8_t bytes[WG_HEADROOM + DATAGRAM_MAX + WG_TAILROOM];
};

struct event {
	struct heap_node node;
	enum event_kind kind;
	int a, b; /* nodes it is about */
	struct datagram *datagram;
	struct event *next_free;
};

/* What the model knows of a session of a node, by the node's own index. */
struct session_model {
	uint32_t index;
	const struct keypair *kp;
	int64_t first_seen_ns;
	bool live; /* in the keyring after the last event */
	uint64_t highest;
	bool any;
	uint8_t *seen; /* bit a counter */
	uint64_t seen_bits;
};
/* What it sent under one index of the far end. */
struct sending_model {
	uint32_t remote_index;
	uint64_t next;
};

struct link { /* from this node to that peer */
	struct wg_peer *peer;
	bool cut; /* datagrams this way are lost */
	int64_t last_initiation_ns, last_response_ns;
	unsigned int initiations_since_traffic;
	int64_t last_timestamp_ns; /* greatest ever sent, over restarts */
	struct session_model *sessions;
	size_t sessions_len, sessions_cap;
	struct sending_model *sendings;
	size_t sendings_len, sendings_cap;
	uint32_t *answered; /* initiations, by their sender's index */
	size_t answered_len, answered_cap;
	int64_t first_session_ns;
	/* Where genuine datagrams of the peer came from, newest first, and
	 * where configuration put it. */
	struct endpoint heard_from[16], configured;
	int64_t newest_session_ns; /* 0: none */
	int64_t first_delivery_ns; /* there, of what was sent after healing */
	uint64_t sessions_up;
};

struct sim_node {
	struct wg_device *dev;
	struct seckey secret;
	struct pubkey public;
	struct endpoint at;
	uint32_t moves;
	int64_t wall_offset_ns;
	struct wall kept_timestamp; /* its state file */
	struct event tick, work;
	struct link link[NODES_MAX];
};

struct app_packet {
	int from, to;
	bool spoofed;
	bool delivered;
	int64_t sent_ns;
	uint16_t len;
};

struct world {
	const struct scenario *scenario;
	uint64_t seed;
	struct faults faults;
	uint64_t rng; /* splitmix64 */
	int64_t now_ns;
	struct heap heap;
	size_t heap_room;
	struct event *free_events;
	struct sim_node node[NODES_MAX];
	bool healed, quiet, silent;
	int64_t healed_ns;

	struct app_packet *apps;
	size_t apps_len, apps_cap;

	/* The adversary's notebook: what reached its destination. */
	struct datagram *seen[64];
	size_t seen_len;

	uint64_t hash; /* of the trace */
	uint64_t events, datagrams, delivered, accepted_initiations;
	uint64_t silent_datagrams;
	bool verbose;
	bool failed;
};

void world_init(struct world *w, const struct scenario *scenario, uint64_t seed,
	bool verbose);
void world_run(struct world *w); /* until the end, or the first failure */
void world_release(struct world *w);

uint64_t sim_random(uint64_t *state); /* splitmix64 */
uint64_t world_random(struct world *w, uint64_t limit);
bool world_chance(struct world *w, int per_mille);
struct now world_clock(const struct world *w, int node);
/* Says it once, with the way to run it again. */
void world_fail(struct world *w, const char *what, ...) PRINTF_LIKE(2, 3);
void world_mix(struct world *w, const void *data, size_t len); /* in the hash */
void world_trace(struct world *w, const char *what, int64_t a, int64_t b);

/* A pointer to CAP (64 at first) twice as many elements. */
void *world_grow(void *p, size_t *cap, size_t size);
void world_fill(void *world, uint8_t *bytes, size_t len);
int64_t world_around(struct world *w, int64_t mean_ns); /* half to 3/2 */
void world_schedule(struct world *w, struct event *event, int64_t at_ns);
void world_in(
	struct world *w, int64_t delay_ns, enum event_kind kind, int a, int b);
void world_put_on_wire(struct world *w, const struct datagram *d);
void scenario_choose(struct world *w);

/* --- host --- */

struct endpoint host_address(const struct world *w, int node);
struct ipaddr host_inner_address(int node, bool v6);
void host_boot(struct world *w, int node);
void host_introduce(struct world *w, int node, int other);
/* TO: node, -1 for a cookie reply. */
void host_send(struct world *w, int from, int to, const uint8_t *data,
	size_t len, const struct wg_path *path, uint8_t ds);
void host_drain(struct world *w, int node); /* polls, sets the alarm */
void host_work(struct world *w, int node);
void host_on_datagram(struct world *w, struct datagram *d); /* frees D */

/* --- app, fault --- */

#define APP_HEALED_NS (300 * MSEC)

size_t app_write(const struct world *w, size_t number, uint8_t *ret);
void app_happen(struct world *w, int from, int to);
int64_t fault_every_ns(const struct world *w, enum event_kind kind);
void fault_happen(struct world *w, enum event_kind kind);
void fault_heal(struct world *w);

/* --- check: the invariants --- */

/* After every event. */
void check_node(struct world *w, int node);
/* A datagram left NODE for the peer that is node TO (-1: a cookie reply). */
void check_sent(
	struct world *w, int node, int to, const uint8_t *data, size_t len);
/* Around the open of a datagram at NODE. */
struct before_open {
	bool is_data;
	bool expect_accept; /* data: what the model says */
	struct session_model *session;
	uint64_t counter;
	uint64_t refused; /* data: counted by the device so far */
};
void check_before_open(struct world *w, int node, const struct datagram *d,
	struct before_open *ret);
/* Before anything is polled. */
void check_after_open(struct world *w, int node, const struct datagram *d,
	const struct before_open *before, enum wg_verdict verdict);
void check_delivery(struct world *w, int node, const uint8_t *data, size_t len);
void check_end(struct world *w);
void check_forget(struct world *w, int node); /* it restarted */

#endif
