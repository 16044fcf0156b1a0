/* join: see join.h. */
#include "config.h"

#include "agent/join.h"

#include "agent/cache.h"
#include "agent/call.h"
#include "agent/enroll.h"
#include "agent/roster.h"
#include "agent/state.h"
#include "os/args.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/loop.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

#define PATH_SIZE 80

struct join {
	const struct join_options *opt;
	char name[NAME_MAX_LEN + 1];
	struct join_token token;
	char bearer[BEARER_TEXT_SIZE];
	struct state state;
	struct node_id self;
	struct roster *roster;
	struct loop *loop;
	struct coord *coord;
	struct msg_enroll_offer offer;
	bool is_fresh;	 /* the state was begun by this very call */
	bool is_refused; /* the last call, for good */
	bool is_member;	 /* already, in the token's mesh */
	int status;	 /* to exit with, once something failed */
};

static void join_release(struct join *join)
{
	msg_enroll_offer_release(&join->offer);
	coord_free(join->coord);
	loop_free(join->loop);
	roster_free(join->roster);
	state_release(&join->state);
	join_token_wipe(&join->token);
	sodium_memzero(join->bearer, sizeof(join->bearer));
}
AUTO_DEFINE_VALUE(struct join, join_release)

/* ---- what was asked for ---- */

/* One line from stdin, so that the token need not be seen in a list of
 * processes. */
static int read_token(struct buf *text, struct err *err)
{
	int r = fd_read_all(STDIN_FILENO, text, err);
	size_t len;

	if (r == -EFBIG)
		return err_set(err, -EINVAL,
			"the token on standard input is too long to be one");
	if (r < 0)
		return r;
	len = strcspn(buf_str(text), "\r\n");
	if (len == 0)
		return err_set(
			err, -EINVAL, "there is no token on standard input");
	text->data[len] = 0;
	return 0;
}

static int parse_token(struct join *join, struct err *err)
{
	AUTO(buf_release) struct buf text = BUF_INIT_SECRET(TOKEN_TEXT_MAX);
	AUTO(bearer_wipe) struct bearer bearer = { 0 };
	char *given = join->opt->token;
	const char *token = given;
	int r;

	if (!given[0])
		return err_set(err, -EINVAL, "the join token is empty");
	if (strcmp(token, "-") == 0) {
		r = read_token(&text, err);
		if (r < 0)
			return r;
		token = text.data;
	}
	r = join_token_parse(token, &join->token, err);
	if (token == given)
		sodium_memzero(given, strlen(given));
	if (r < 0)
		return r;
	bearer_of_delegate(&join->token.delegate, &bearer);
	(void)bearer_format(&bearer, join->bearer);
	return 0;
}

/* The first label of the host's name, made a node name as far as it goes. */
static int default_name(char ret_name[static NAME_MAX_LEN + 1], struct err *err)
{
	char host[256] = "";
	size_t len = 0;

	if (gethostname(host, sizeof(host) - 1) < 0)
		return err_errno(err, "the host's name");
	for (const char *c = host; *c && *c != '.' && len < NAME_MAX_LEN; c++) {
		char lower = (char)tolower((unsigned char)*c);

		ret_name[len++] = lower == '_' ? '-' : lower;
	}
	ret_name[len] = 0;
	if (!name_valid(ret_name))
		return err_set(err, -EINVAL,
			"the host's name `%s' is no node name: use --name",
			host);
	return 0;
}

static int choose_name(struct join *join, struct err *err)
{
	const char *name = join->opt->name;

	if (!name)
		return default_name(join->name, err);
	if (!name_valid(name)) {
		join->status = EXIT_USAGE;
		return err_set(err, -EINVAL,
			"not a node name: `%s' (1-63 of a-z, 0-9 and -)", name);
	}
	(void)str_copy(join->name, sizeof(join->name), name);
	return 0;
}

/* ---- the state on disk ---- */

static void fill_conf(const struct join *join, struct agent_conf *conf)
{
	conf->operator_key = join->token.operator_key;
	memcpy(conf->pin, join->token.pin, sizeof(conf->pin));
	(void)str_copy(conf->url, sizeof(conf->url), join->token.url);
	(void)str_copy(conf->name, sizeof(conf->name), join->name);
}

static int refuse_member(struct join *join, const char *why, struct err *err)
{
	join->status = EXIT_CONFLICT;
	return err_set(err, -EEXIST,
		"%s: this node is in a mesh already (%s, as %s); `meshagent "
		"leave' first, or use another --interface and --state-dir",
		join->opt->state_dir, why, join->state.conf.name);
}

static int prepare_state(struct join *join, struct err *err)
{
	struct agent_conf conf = { 0 };
	enum state_stage stage;
	bool same_mesh;
	int r = state_open(
		join->opt->state_dir, STATE_CREATE, &join->state, err);

	if (r == 0)
		r = state_load(&join->state, &stage, err);
	if (r < 0)
		return r;
	fill_conf(join, &conf);
	same_mesh = stage != STATE_NONE &&
		key_equal(conf.operator_key.b, join->state.conf.operator_key.b);
	join->is_member = stage == STATE_MEMBER;
	if (join->is_member)
		return same_mesh ? 0 : refuse_member(join, "another one", err);
	join->is_fresh = !same_mesh;
	if (!same_mesh)
		return state_begin(&join->state, &conf, err);
	conf.listen_port = join->state.conf.listen_port;
	join->state.conf = conf;
	return state_save_conf(&join->state, err);
}

static int prepare(struct join *join, struct err *err)
{
	struct signpub identity;
	int r = choose_name(join, err);

	if (r == 0)
		r = parse_token(join, err);
	if (r == 0)
		r = prepare_state(join, err);
	if (r < 0)
		return r;
	identity = signseed_public(&join->state.identity);
	join->self = node_id_of(&identity);
	join->roster = roster_new(&join->token.operator_key, &join->self);
	if (!join->roster)
		return err_set(err, -ENOMEM, "out of memory");
	join->loop = loop_new(err);
	if (!join->loop)
		return -EIO;
	join->coord =
		coord_new(join->loop, join->token.url, join->token.pin, err);
	return join->coord ? 0 : -EIO;
}

static void hear_refusal(void *arg, const struct err *err)
{
	(void)arg;
	log_error("refused: %s", err->msg);
}

/* Joining twice is joining once, if it would have come to the same. */
static int check_member(struct join *join, struct err *err)
{
	AUTO(cache_free) struct cache *cache = NULL;
	struct now now = clock_now();
	struct roster_node self;
	int r = cache_new(join->loop, &join->state, join->roster, NULL, NULL,
		&cache, err);

	if (r == 0)
		r = cache_load(
			cache, join->roster, &now, hear_refusal, NULL, err);
	if (r < 0)
		return r;
	if (roster_is_removed(join->roster) ||
		!roster_find(join->roster, &join->self, &self) ||
		!self.verified.membership)
		return refuse_member(
			join, "that one, and was removed from it", err);
	if (join->opt->name &&
		strcmp(join->opt->name, self.verified.membership->name) != 0)
		return refuse_member(join, "that one", err);
	return 0;
}

/* ---- the two calls ---- */

static int call(struct join *join, struct coord_request *request,
	struct call_answer *ret_answer, struct err *err)
{
	int r;

	request->bearer = join->bearer;
	r = call_coordinator(join->loop, join->coord, request, ret_answer, err);
	join->is_refused = r == -EREMOTEIO && ret_answer->status >= 400 &&
		ret_answer->status < 500 && ret_answer->status != 429;
	if (r < 0)
		join->status = call_exit_status(r, ret_answer);
	return r;
}

static int ask_offer(struct join *join, struct err *err)
{
	AUTO(call_answer_release) struct call_answer answer = { 0 };
	AUTO(buf_release) struct buf body = BUF_INIT(MSG_REQUEST_MAX);
	struct msg_enroll_request ask = {
		.identity = signseed_public(&join->state.identity),
	};
	struct coord_request request = {
		.method = "POST",
		.path = "/v1/enrollments",
		.reply_max = MSG_REQUEST_MAX,
	};
	int r;

	(void)str_copy(ask.name, sizeof(ask.name), join->name);
	r = msg_enroll_request_encode(&ask, &body);
	if (r < 0)
		return err_set(err, r, "out of memory");
	request.body = buf_str(&body);
	request.body_len = body.len;
	r = call(join, &request, &answer, err);
	if (r < 0)
		return r;
	r = msg_enroll_offer_decode(
		answer.body.data, answer.body.len, &join->offer, err);
	if (r < 0)
		err_prefix(err, "the coordinator's offer");
	return r;
}

static int take_netmap(
	struct join *join, const struct buf *text, struct err *err)
{
	AUTO(buf_release) struct buf cache = BUF_INIT(MSG_NETMAP_MAX);
	struct now now = clock_now();
	struct msg_netmap map;
	bool changed;
	int r = msg_netmap_decode(text->data, text->len, &map, err);

	if (r < 0) {
		err_prefix(err, "the coordinator's netmap");
		return r;
	}
	r = roster_merge(
		join->roster, &map, &now, hear_refusal, NULL, &changed, err);
	msg_netmap_release(&map);
	if (r < 0)
		return r;
	if (!roster_mesh(join->roster) || !roster_has_self(join->roster))
		return err_set(err, -EBADMSG,
			"the coordinator's netmap does not hold this node");
	r = roster_encode(join->roster, &cache);
	if (r < 0)
		return err_set(err, r, "out of memory");
	return state_save_netmap(&join->state, &cache, err);
}

static int complete(struct join *join, struct err *err)
{
	AUTO(call_answer_release) struct call_answer answer = { 0 };
	AUTO(buf_release) struct buf body = BUF_INIT_SECRET(MSG_REQUEST_MAX);
	AUTO(msg_enroll_complete_release)
	struct msg_enroll_complete done = { 0 };
	const struct enroll_input in = {
		.token = &join->token,
		.state = &join->state,
		.name = join->name,
		.offer = &join->offer,
	};
	struct now now = clock_now();
	char path[PATH_SIZE], id[MESH_ID_TEXT_SIZE];
	struct coord_request request = {
		.method = "PUT",
		.path = path,
		.reply_max = MSG_NETMAP_MAX,
	};
	int r = enroll_complete(&in, &now, &done, err);

	if (r < 0)
		return r;
	r = msg_enroll_complete_encode(&done, &body);
	if (r < 0)
		return err_set(err, r, "out of memory");
	(void)snprintf(path, sizeof(path), "/v1/enrollments/%s",
		node_id_format(&join->self, id));
	request.body = buf_str(&body);
	request.body_len = body.len;
	r = call(join, &request, &answer, err);
	if (r < 0)
		return r;
	return take_netmap(join, &answer.body, err);
}

/* ---- the command ---- */

static int print_node(const struct join *join)
{
	struct roster_node self;
	char text[IPADDR_TEXT_SIZE];

	if (!roster_find(join->roster, &join->self, &self))
		return EXIT_FAILURE;
	(void)printf("%s", self.verified.membership->name);
	for (size_t i = 0; i < self.verified.membership->address_count; i++)
		(void)printf(" %s",
			ipaddr_format(
				&self.verified.membership->addresses[i].addr,
				text));
	(void)printf("\n");
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int enroll(struct join *join, struct err *err)
{
	int r = ask_offer(join, err);

	/* It said no, and knows nothing of this identity. (Of one whose answer
	 * was lost, it may.) */
	if (r < 0 && join->is_refused && join->is_fresh &&
		state_delete(&join->state, NULL) < 0)
		log_warn("%s could not be cleared", join->opt->state_dir);
	return r < 0 ? r : complete(join, err);
}

int join_mesh(const struct join_options *options)
{
	AUTO(join_release)
	struct join join = {
		.opt = options,
		.state = { .lock_fd = -1 },
		.status = EXIT_FAILURE,
	};
	struct err err = { 0 };
	int r = prepare(&join, &err);

	if (r == 0)
		r = join.is_member ? check_member(&join, &err)
				   : enroll(&join, &err);
	if (r < 0) {
		char text[2 * ERR_MSG_MAX];

		log_error("%s", err_text(&err, text, sizeof(text)));
		return join.status;
	}
	return print_node(&join);
}
