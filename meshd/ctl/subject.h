/*
 * subject: what may be signed. meshctl holds the key that every agent obeys,
 * and the coordinator is not trusted (DESIGN 6): so what comes from there is
 * believed only if it verifies under the operator's own key, by the rules that
 * agents use (trust.h). Pure.
 */
#ifndef MESHD_CTL_SUBJECT_H
#define MESHD_CTL_SUBJECT_H

#include "base/err.h"
#include "base/time.h"
#include "meshproto/message.h"
#include "meshproto/record.h"

/* Both hand over a record that is the caller's. */
void subject_free(struct record *record);
AUTO_DEFINE(struct record, subject_free)

/* The mesh that OP made. -EEXIST when the coordinator's mesh is another
 * operator's; -EBADMSG when the record does not verify. */
WARN_UNUSED int subject_mesh(const struct signpub *op,
	const struct msg_mesh_view *view, struct record **ret_mesh,
	struct err *err);

/* The node that VIEW claims to be ASKED (a name or an id): its membership,
 * entitled by the operator or by a grant of his. -EBADMSG when it is not. */
WARN_UNUSED int subject_node(const struct signpub *op,
	const struct msg_mesh_view *mesh, const struct msg_node_view *view,
	const char *asked, const struct now *now,
	struct record **ret_membership, struct err *err);

#endif
