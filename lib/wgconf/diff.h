/*
 * diff: from a running state to a wanted one in as few changes as can be, so
 * that sessions which did not change are not touched.
 *
 * Order of the changes: peers that go, allowed-IPs that leave a peer, then
 * peers that come or change. So a prefix that moves between peers is never
 * refused, and never owned twice.
 */
#ifndef WGCONF_DIFF_H
#define WGCONF_DIFF_H

#include "base/err.h"
#include "wgconf/wgconf.h"

/* What syncconf does: HAVE is a GET, WANT is a whole configuration. Fields that
 * WANT does not carry (flags) are left alone; so are endpoints when
 * KEEP_ENDPOINTS and the running peer has one. *RET_CHANGE may be empty of
 * changes (wgconf_diff_empty). -ENOMEM only. */
enum wgconf_diff_endpoints { DIFF_SET_ENDPOINTS, DIFF_KEEP_ENDPOINTS };
WARN_UNUSED int wgconf_diff(const struct wgconf_device *have,
	const struct wgconf_device *want, enum wgconf_diff_endpoints endpoints,
	struct wgconf_device **ret_change);
bool wgconf_diff_empty(const struct wgconf_device *change);

#endif
