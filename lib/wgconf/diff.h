/*
 * diff: from a running state to a wanted one in as few changes as can be, so
 * that sessions which did not change are not touched.
 *
 * Order of the changes: peers that go, allowed-IPs that nobody owns any more,
 * then peers that come or change. A prefix that moves between two peers that
 * stay is only given to the new one, which takes it away from the old (every
 * engine does that in one step): never refused, owned twice or by nobody.
 */
#ifndef WGCONF_DIFF_H
#define WGCONF_DIFF_H

#include "base/err.h"
#include "wgconf/wgconf.h"

enum wgconf_diff_flags {
	DIFF_SET_ENDPOINTS = 0,
	/* Leave the endpoint of a running peer that has one. */
	DIFF_KEEP_ENDPOINTS = 1 << 0,
	/* For engines that do not know allowed_ip=-...: a peer that loses one
	 * is given its whole list anew. */
	DIFF_WHOLE_ALLOWEDIPS = 1 << 1,
};

/* What syncconf does: HAVE is a GET, WANT is a whole configuration. Fields that
 * WANT does not carry (flags) are left alone. A peer that WANT names twice is
 * one, the later words count; a prefix named twice belongs to the last who
 * names it; host bits are cut off. *RET_CHANGE may be empty of changes
 * (wgconf_diff_empty). -ENOMEM only. */
WARN_UNUSED int wgconf_diff(const struct wgconf_device *have,
	const struct wgconf_device *want, unsigned int flags,
	struct wgconf_device **ret_change);
bool wgconf_diff_empty(const struct wgconf_device *change);

#endif
