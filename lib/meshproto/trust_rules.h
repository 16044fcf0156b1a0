/*
 * trust_rules: may this record be believed? Pure questions to the believed set,
 * one function a record type, in the order in which trust.h states the rules.
 * For trust*.c alone.
 */
#ifndef MESHPROTO_TRUST_RULES_H
#define MESHPROTO_TRUST_RULES_H

#include "meshproto/trust_set.h"

/* One record before the judge. The signature has verified. */
struct trust_case {
	const struct trust *trust;
	const struct envelope *env;
	const struct now *now;
	struct record rec;
	struct trust_node *node;   /* that it speaks of; NULL: not known */
	struct trust_grant *grant; /* whose delegate signed it, if one did */
	struct err *err;
	/* Refused only for what other nodes hold, or for want of a membership:
	 * worth another try when those have changed. */
	bool may_change;
	/* Stale, and yet it says which delegate admitted the node. */
	bool is_admission;
};

/* TRUST_ACCEPTED: put it in. Else ERR says why not, and names the record. */
enum trust_verdict trust_rules_judge(struct trust_case *c);
/* TRUST_REFUSED, with "LABEL: reason" in C's err. */
enum trust_verdict trust_rules_refuse(
	struct trust_case *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
