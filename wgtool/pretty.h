/*
 * pretty: the view for people of one interface, in wg(8)'s form, and colour.
 */
#ifndef WGTOOL_PRETTY_H
#define WGTOOL_PRETTY_H

#include "wgconf/wgconf.h"

/* WG_HIDE_KEYS=never. */
bool pretty_shows_keys(void);
/* To stdout. Sorts DEV's peers, newest handshake first. */
void pretty_print(struct wgconf_device *dev, struct wall now);

#endif
