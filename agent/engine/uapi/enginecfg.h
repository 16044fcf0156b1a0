/*
 * enginecfg: the wgconf model applied to, and read from, a running engine.
 * Used by the UAPI server and by the agent; neither knows more of the engine's
 * configuration than this.
 */
#ifndef ENGINE_UAPI_ENGINECFG_H
#define ENGINE_UAPI_ENGINECFG_H

#include "engine/linux/engine.h"
#include "wgconf/wgconf.h"

/* Applies in the kernel's order. On -errno what came before the failing line
 * stays applied (as the kernel and wireguard-go do). */
WARN_UNUSED int enginecfg_apply(struct engine *engine,
	const struct wgconf_device *change, const struct now *now,
	struct err *err);
/* A GET: everything, keys too. -ENOMEM. */
WARN_UNUSED int enginecfg_get(struct engine *engine, const struct now *now,
	struct wgconf_device **ret_dev);

#endif
