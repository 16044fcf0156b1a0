/* ipam: see ipam.h. */
#include "config.h"

#include "meshd/ipam.h"

#include <errno.h>

#include "base/banned.h"

/* The next address; false after the very last one of the family. */
static bool addr_next(struct ipaddr *addr)
{
	size_t i = ip_bits(addr->family) / 8;

	while (i-- > 0)
		if (++addr->b[i] != 0)
			return true;
	return false;
}

static void addr_prev(struct ipaddr *addr)
{
	size_t i = ip_bits(addr->family) / 8;

	while (i-- > 0)
		if (addr->b[i]-- != 0)
			return;
}

static struct ipaddr last_of(const struct ipnet *prefix)
{
	struct ipaddr last = prefix->addr;

	for (unsigned int bit = prefix->prefix_len; bit < ip_bits(last.family);
		bit++)
		last.b[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	return last;
}

bool ipam_range(const struct ipnet *prefix, struct ipaddr *ret_first,
	struct ipaddr *ret_last)
{
	struct ipnet net = *prefix;
	unsigned int bits = ip_bits(net.addr.family);
	struct ipaddr first, last;

	if (bits == 0 || net.prefix_len > bits)
		return false;
	ipnet_mask(&net);
	first = net.addr;
	last = last_of(&net);
	/* A point-to-point or host prefix has no network address, RFC 3021
	 * and RFC 6164. IPv6 has no broadcast. */
	if (bits - net.prefix_len >= 2) {
		(void)addr_next(&first);
		if (net.addr.family == IP_V4)
			addr_prev(&last);
	}
	*ret_first = first;
	*ret_last = last;
	return true;
}

/* The lowest address that no used one equals. */
struct gap {
	struct ipaddr want;
	bool past_end; /* there is no such address */
};

static bool gap_on_used(void *arg, const struct ipaddr *used)
{
	struct gap *gap = arg;

	if (!ipaddr_equal(used, &gap->want))
		return false;
	gap->past_end = !addr_next(&gap->want);
	return !gap->past_end;
}

int ipam_pick(const struct ipam_book *book, const struct ipnet *prefix,
	struct ipaddr *ret_addr, struct err *err)
{
	char text[IPNET_TEXT_SIZE];
	struct ipaddr first, last, addr;
	struct gap gap = { 0 };
	int r;

	if (!ipam_range(prefix, &first, &last))
		return err_set(err, -EINVAL, "%s is no prefix",
			ipnet_format(prefix, text));
	r = book->highest(book->arg, &first, &last, &addr, err);
	if (r < 0)
		return r;
	if (addr.family == IP_NONE) {
		*ret_addr = first;
		return 0;
	}
	if (!ipaddr_equal(&addr, &last) && addr_next(&addr)) {
		*ret_addr = addr;
		return 0;
	}
	gap.want = first;
	r = book->each_used(book->arg, &first, &last, gap_on_used, &gap, err);
	if (r < 0)
		return r;
	if (!gap.past_end && ipaddr_compare(&gap.want, &last) <= 0) {
		*ret_addr = gap.want;
		return 0;
	}
	r = book->longest_free(book->arg, &first, &last, &addr, err);
	if (r < 0)
		return r;
	if (addr.family == IP_NONE)
		return err_set(err, -ENOSPC, "every address of %s is taken",
			ipnet_format(prefix, text));
	*ret_addr = addr;
	return 0;
}
