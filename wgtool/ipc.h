/*
 * ipc: where the interfaces are. A backend a kind of interface, asked in turn:
 * user-space daemons behind Unix sockets now; room for the kernel's.
 * Blocking. All return 0 or -errno, and say nothing.
 */
#ifndef WGTOOL_IPC_H
#define WGTOOL_IPC_H

#include "wgconf/wgconf.h"

typedef int (*ipc_name_fn)(void *arg, const char *ifname);

struct ipc_backend {
	/* Calls FN with each name until it returns something but 0. */
	int (*list)(ipc_name_fn fn, void *arg);
	bool (*has)(const char *ifname);
	int (*get)(const char *ifname, struct wgconf_device *dev);
	int (*set)(const char *ifname, const struct wgconf_device *change);
};
extern const struct ipc_backend ipc_uapi;

WARN_UNUSED int ipc_list(ipc_name_fn fn, void *arg);
WARN_UNUSED int ipc_get(const char *ifname, struct wgconf_device **ret_dev);
WARN_UNUSED int ipc_set(const char *ifname, const struct wgconf_device *change);

#endif
