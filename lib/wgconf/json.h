/*
 * json: a device as JSON, with the names of wireguard-tools' contrib wg-json
 * and a "schema" field. Written only.
 */
#ifndef WGCONF_JSON_H
#define WGCONF_JSON_H

#include "base/jsonw.h"
#include "wgconf/wgconf.h"

/* One device as an object; private and preshared keys only if SHOW_KEYS. */
void wgconf_json(
	const struct wgconf_device *dev, bool show_keys, struct jsonw *w);

#endif
