#include "config.h"

#include "wgtool/ipc.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

static const struct ipc_backend *const backends[] = { &ipc_uapi };

int ipc_list(ipc_name_fn fn, void *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++) {
		int r = backends[i]->list(fn, arg);

		if (r != 0)
			return r;
	}
	return 0;
}

static const struct ipc_backend *backend_of(const char *ifname)
{
	bool possible = ifname[0] != '\0' && strlen(ifname) <= IFNAME_MAX_LEN &&
		!strchr(ifname, '/');

	for (size_t i = 0; possible && i < ARRAY_SIZE(backends); i++)
		if (backends[i]->has(ifname))
			return backends[i];
	return NULL;
}

int ipc_get(const char *ifname, struct wgconf_device **ret_dev)
{
	const struct ipc_backend *backend = backend_of(ifname);
	AUTO(wgconf_device_free) struct wgconf_device *dev = NULL;
	int r;

	if (!backend)
		return -ENODEV;
	dev = wgconf_device_new();
	if (!dev)
		return -ENOMEM;
	(void)str_copy(dev->ifname, sizeof(dev->ifname), ifname);
	r = backend->get(ifname, dev);
	if (r < 0)
		return r;
	*ret_dev = TAKE(dev);
	return 0;
}

int ipc_set(const char *ifname, const struct wgconf_device *change)
{
	const struct ipc_backend *backend = backend_of(ifname);

	return backend ? backend->set(ifname, change) : -ENODEV;
}
