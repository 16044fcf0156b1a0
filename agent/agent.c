/* agent: see agent.h. */
#include "config.h"

#include "agent/agent.h"

#include "agent/control.h"
#include "agent/coord.h"
#include "agent/follow.h"
#include "agent/handback.h"
#include "agent/member.h"
#include "agent/state.h"
#include "agent/trim.h"
#include "engine/uapi/server.h"
#include "os/args.h"
#include "os/daemon.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/netlink.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/banned.h"

/* News of the host come in bursts; and routes alone change often on hosts that
 * have much to do with them, for reasons that are not ours. */
#define NEWS_SETTLE_NS	  (20 * NSEC_PER_MSEC)
#define ROUTE_NEWS_GAP_NS (5 * NSEC_PER_SEC)
#define TRIM_AFTER_NS	  (1 * NSEC_PER_SEC)

struct agent {
	const struct agent_options *opt;
	struct state state;
	struct loop *loop;
	struct member *member;
	struct uapi_server *uapi;
	struct control *control;
	struct coord *coord;
	struct follow *follow;
	struct handback *handback;

	int monitor_fd;
	struct loop_source *monitor;
	unsigned int news; /* NETLINK_NEWS_*, gathered */
	struct loop_timer *news_timer;
	struct mono last_reopen;
	struct loop_timer *trim_timer;
};

static void agent_release(struct agent *agent)
{
	/* First what asks, then what is asked. */
	control_free(agent->control);
	handback_free(agent->handback);
	follow_free(agent->follow);
	coord_free(agent->coord);
	uapi_server_free(agent->uapi);
	loop_source_remove(agent->monitor);
	fd_close(&agent->monitor_fd);
	loop_timer_remove(agent->news_timer);
	loop_timer_remove(agent->trim_timer);
	member_free(agent->member);
	loop_free(agent->loop);
	state_release(&agent->state);
}
AUTO_DEFINE_VALUE(struct agent, agent_release)

/* ---- what others tell ---- */

static uint64_t on_netmap(
	void *arg, const struct msg_netmap *map, const struct now *now)
{
	struct agent *agent = arg;

	uint64_t serial = member_merge(agent->member, map, now);

	handback_start(agent->handback, now);
	return serial;
}

static int next_owed(void *arg, struct node_id *ret_node, struct buf *body)
{
	struct agent *agent = arg;

	return member_next_owed(agent->member, ret_node, body);
}

static void settle_owed(void *arg, const struct node_id *node)
{
	struct agent *agent = arg;

	member_settle_owed(agent->member, node);
}

static int make_report(void *arg, struct buf *out, const struct now *now)
{
	struct agent *agent = arg;

	return member_make_report(agent->member, out, now);
}

static void on_state(void *arg, const struct follow_state *state)
{
	struct agent *agent = arg;
	const struct now *now = loop_now(agent->loop);

	if (state->reachable)
		log_info("coordinator %s is reachable", agent->state.conf.url);
	else
		log_warn("out of reach of the coordinator: %s; going on with "
			 "the last netmap",
			state->problem);
	loop_timer_set(agent->trim_timer, mono_add(now->mono, TRIM_AFTER_NS));
}

static void on_report_due(void *arg, const struct now *now)
{
	struct agent *agent = arg;

	if (agent->follow)
		follow_report(agent->follow, now);
}

static void on_removed(void *arg)
{
	struct agent *agent = arg;

	log_error("this node was removed from the mesh: taking %s down",
		agent->opt->ifname);
	loop_quit(agent->loop, EXIT_SUCCESS);
}

static void on_gone(void *arg)
{
	struct agent *agent = arg;

	log_error("interface %s was deleted", agent->opt->ifname);
	loop_quit(agent->loop, EXIT_FAILURE);
}

static void on_stop(void *arg)
{
	struct agent *agent = arg;

	loop_quit(agent->loop, EXIT_SUCCESS);
}

static void on_signal(void *arg, int signo, const struct now *now)
{
	struct agent *agent = arg;

	(void)now;
	log_info("%s: stopping",
		signo == SIGINT ? "interrupted" : "told to end");
	loop_quit(agent->loop, EXIT_SUCCESS);
}

static int get_status(
	void *arg, struct msg_agent_status *ret_status, const struct now *now)
{
	struct agent *agent = arg;
	struct follow_state state = { 0 };
	int r = member_fill_status(agent->member, ret_status, now);

	if (r < 0)
		return r;
	if (agent->follow)
		state = follow_get_state(agent->follow);
	(void)str_copy(ret_status->coordinator, sizeof(ret_status->coordinator),
		agent->state.conf.url);
	ret_status->reachable = state.reachable;
	ret_status->reachable_since = state.since;
	(void)str_copy(ret_status->problem, sizeof(ret_status->problem),
		state.problem);
	return 0;
}

static void on_trim_timer(void *arg, const struct now *now)
{
	(void)arg;
	(void)now;
	trim_memory();
}

/* ---- news of the host ---- */

static void on_monitor(void *arg, uint32_t events, const struct now *now)
{
	struct agent *agent = arg;
	struct err err = { 0 };
	unsigned int news;

	(void)events;
	if (netlink_monitor_drain(agent->monitor_fd, &news, &err) < 0) {
		log_warn("%s", err.msg);
		return;
	}
	if (agent->news == 0 && news != 0)
		loop_timer_set(
			agent->news_timer, mono_add(now->mono, NEWS_SETTLE_NS));
	agent->news |= news;
}

static void on_news_timer(void *arg, const struct now *now)
{
	struct agent *agent = arg;
	const unsigned int routes = NETLINK_NEWS_ROUTE | NETLINK_NEWS_LOST;
	struct mono next = mono_add(agent->last_reopen, ROUTE_NEWS_GAP_NS);
	bool has_moved = (agent->news & ~(unsigned int)NETLINK_NEWS_ROUTE) &&
		member_host_changed(agent->member, now);

	if (!has_moved && (agent->news & routes) &&
		mono_before(now->mono, next)) {
		agent->news = NETLINK_NEWS_ROUTE;
		loop_timer_set(agent->news_timer, next);
		return;
	}
	if (!has_moved && (agent->news & routes))
		(void)member_host_changed(agent->member, now);
	if (has_moved || (agent->news & routes)) {
		agent->last_reopen = now->mono;
		follow_moved(agent->follow, now);
	}
	if (has_moved)
		follow_report(agent->follow, now);
	agent->news = 0;
}

/* What our own interface caused is no news. */
static void forget_own_news(struct agent *agent)
{
	unsigned int news;

	if (netlink_monitor_drain(agent->monitor_fd, &news, NULL) < 0)
		log_debug("no news to forget");
}

/* ---- boot ---- */

static int load_state(struct agent *agent, struct err *err)
{
	const char *dir = agent->opt->state_dir;
	enum state_stage stage;
	int r = state_open(dir, STATE_EXISTING, &agent->state, err);

	if (r == -ENOENT)
		return err_set(err, r,
			"%s: no mesh was joined; `meshagent join TOKEN' first",
			dir);
	if (r == 0)
		r = state_load(&agent->state, &stage, err);
	if (r < 0)
		return r;
	switch (stage) {
	case STATE_NONE:
		return err_set(err, -ENOENT,
			"%s: no mesh was joined; `meshagent join TOKEN' first",
			dir);
	case STATE_BEGUN:
		return err_set(err, -ENOENT,
			"%s: a join was begun and cut short; run `meshagent "
			"join' again with the same token",
			dir);
	case STATE_MEMBER:
		return 0;
	}
	return -EINVAL;
}

static int boot_loop(struct agent *agent, struct err *err)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	int r;

	agent->loop = loop_new(err);
	if (!agent->loop)
		return -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		r = loop_add_signal(
			agent->loop, signals[i], on_signal, agent, err);
		if (r < 0)
			return r;
	}
	agent->news_timer = loop_add_timer(agent->loop, on_news_timer, agent);
	agent->trim_timer = loop_add_timer(agent->loop, on_trim_timer, agent);
	if (!agent->news_timer || !agent->trim_timer)
		return err_set(err, -ENOMEM, "out of memory");
	r = netlink_monitor_open(&agent->monitor_fd, err);
	if (r < 0)
		return r;
	agent->monitor = loop_add_fd(agent->loop, agent->monitor_fd, EPOLLIN,
		on_monitor, agent, err);
	return agent->monitor ? 0 : -EIO;
}

static int boot_sockets(struct agent *agent, struct err *err)
{
	const struct control_options control = {
		.loop = agent->loop,
		.path = agent->opt->socket,
		.get_status = get_status,
		.on_stop = on_stop,
		.arg = agent,
	};
	int r = control_new(&control, &agent->control, err);

	if (r == -EADDRINUSE)
		return err_set(err, r, "another agent is running on %s",
			agent->opt->ifname);
	if (r < 0)
		return r;
	r = uapi_server_new(agent->loop, member_engine(agent->member), -1,
		&agent->uapi, err);
	if (r == 0)
		return 0;
	/* The mesh works without; only wg(8) will not see it. */
	log_warn("%s; wg(8) will not see %s", err->msg, agent->opt->ifname);
	*err = (struct err){ 0 };
	return 0;
}

static int boot_follow(struct agent *agent, struct err *err)
{
	const struct agent_conf *conf = &agent->state.conf;
	struct follow_options options = {
		.loop = agent->loop,
		.credential = agent->state.credential,
		.on_netmap = on_netmap,
		.make_report = make_report,
		.on_state = on_state,
		.arg = agent,
	};
	struct handback_options handback = {
		.loop = agent->loop,
		.credential = agent->state.credential,
		.next = next_owed,
		.settle = settle_owed,
		.arg = agent,
	};

	agent->coord = coord_new(agent->loop, conf->url, conf->pin, err);
	if (!agent->coord)
		return -ENOMEM;
	handback.coord = agent->coord;
	agent->handback = handback_new(&handback, err);
	if (!agent->handback)
		return -ENOMEM;
	options.coord = agent->coord;
	agent->follow = follow_new(&options, err);
	return agent->follow ? 0 : -ENOMEM;
}

static int boot(struct agent *agent, struct err *err)
{
	struct member_options member = {
		.state = &agent->state,
		.ifname = agent->opt->ifname,
		.listen_port = agent->opt->listen_port,
		.mtu = agent->opt->mtu,
		.on_report_due = on_report_due,
		.on_removed = on_removed,
		.on_gone = on_gone,
		.arg = agent,
	};
	int r = boot_loop(agent, err);

	if (r < 0)
		return r;
	member.loop = agent->loop;
	r = member_new(&member, loop_now(agent->loop), &agent->member, err);
	if (r == 0)
		r = boot_sockets(agent, err);
	if (r == 0)
		r = boot_follow(agent, err);
	if (r == 0 && agent->opt->pid_file)
		r = pidfile_write(agent->opt->pid_file, err);
	return r;
}

int agent_run(const struct agent_options *options)
{
	AUTO(agent_release)
	struct agent agent = {
		.opt = options,
		.state = { .lock_fd = -1 },
		.monitor_fd = -1,
	};
	const struct now *now;
	struct err err = { 0 };
	int status = EXIT_FAILURE;
	int r = load_state(&agent, &err);

	if (r == -ENOENT)
		status = EXIT_NOT_FOUND;
	if (r == 0)
		r = boot(&agent, &err);
	if (r < 0) {
		char text[2 * ERR_MSG_MAX];

		log_error("%s", err_text(&err, text, sizeof(text)));
		return status;
	}
	now = loop_now(agent.loop);
	forget_own_news(&agent);
	agent.last_reopen = now->mono;
	daemon_ready();
	/* What it took to start; what the first TLS handshake takes goes when
	 * on_state has been told of it. */
	trim_memory();
	follow_start(
		agent.follow, roster_serial(member_roster(agent.member)), now);
	follow_report(agent.follow, now);
	status = loop_run(agent.loop);
	if (status < 0)
		log_error("epoll: %s", strerror(-status));
	pidfile_remove(options->pid_file);
	return status < 0 ? EXIT_FAILURE : status;
}
