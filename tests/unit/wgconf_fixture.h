/*
 * wgconf_fixture: devices for the tests of lib/wgconf: made at random over few
 * keys and prefixes so that they collide, parsed from text, compared, and
 * changed by a plain twin of what an engine does.
 */
#ifndef TESTS_UNIT_WGCONF_FIXTURE_H
#define TESTS_UNIT_WGCONF_FIXTURE_H

#include "rows.h"

#include "wgconf/uapi.h"
#include "wgconf/wgconf.h"

/* A GET: every field present, a prefix has one owner, host bits are 0. */
struct wgconf_device *random_state(struct random *r);
/* A SET: any field may be absent, anything may be named twice. */
struct wgconf_device *random_change(struct random *r);
struct ipnet random_net(struct random *r);

/* Every line of TEXT through the parser. 0 or the error, with ERR. */
int parse_uapi(enum uapi_mode mode, const char *text, struct wgconf_device *dev,
	struct err *err);
struct wgconf_device *uapi_device(enum uapi_mode mode, const char *text);

/* Whether both say the same, in the same order; tells what differs. */
bool same_device(const struct wgconf_device *a, const struct wgconf_device *b);

/* What an engine does with one CHANGE of a peer, over lists, with no care for
 * speed. A prefix belongs to the last who was given it. */
void apply_peer(struct wgconf_device *dev, const struct wgconf_peer *change);
void apply_device(
	struct wgconf_device *dev, const struct wgconf_device *change);
struct wgconf_device *copy_device(const struct wgconf_device *dev);
const struct wgconf_peer *owner_of(
	const struct wgconf_device *dev, const struct ipnet *net);
/* Peers by key, prefixes by number: order has no say in a state. */
void sort_device(struct wgconf_device *dev);

#endif
