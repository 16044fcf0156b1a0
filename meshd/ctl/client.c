/* client: see client.h. */
#include "config.h"

#include "meshd/ctl/client.h"

#include "meshd/ctl/table.h"
#include "meshproto/message.h"

#include <curl/curl.h>
#include <sodium.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define CONNECT_TIMEOUT_SEC 10L
#define ANSWER_TIMEOUT_SEC  30L /* beyond what the request says it may wait */
#define PIN_PREFIX	    "sha256//"

struct client {
	CURL *curl;
	struct curl_slist *headers;
	char *base;  /* "https://host:port"; no slash at its end */
	char *where; /* as messages name it */
	bool is_unix;
	char curl_error[CURL_ERROR_SIZE];
};

/* ---- pins ---- */

bool pin_parse(const char *text, uint8_t ret_pin[static TOKEN_PIN_SIZE])
{
	_Static_assert(TOKEN_PIN_SIZE == KEY_SIZE, "a pin reads like a key");
	size_t len = strlen(PIN_PREFIX);

	if (strncmp(text, PIN_PREFIX, len) == 0)
		return key_parse_base64(ret_pin, text + len);
	return key_parse_hex(ret_pin, text);
}

const char *pin_format(const uint8_t pin[static TOKEN_PIN_SIZE],
	char buf[static PIN_TEXT_SIZE])
{
	char text[KEY_BASE64_SIZE];

	(void)snprintf(buf, PIN_TEXT_SIZE, PIN_PREFIX "%s",
		key_format_base64(pin, text));
	return buf;
}

/* ---- set-up ---- */

static void wipe_headers(struct curl_slist *headers)
{
	for (struct curl_slist *h = headers; h; h = h->next)
		sodium_memzero(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

void client_free(struct client *client)
{
	if (!client)
		return;
	if (client->curl)
		curl_easy_cleanup(client->curl);
	wipe_headers(client->headers);
	free(client->base);
	free(client->where);
	free(client);
}

static bool add_header(struct client *client, const char *line)
{
	struct curl_slist *headers = curl_slist_append(client->headers, line);

	if (headers)
		client->headers = headers;
	return headers != NULL;
}

static bool set_headers(struct client *client, const char *bearer)
{
	struct {
		char line[64 + BEARER_TEXT_SIZE];
	} secret;
	bool ok;

	ok = add_header(client, "Content-Type: application/json") &&
		add_header(client, "Accept: application/json") &&
		add_header(client, "Expect:");
	if (ok && bearer) {
		(void)snprintf(secret.line, sizeof(secret.line),
			"Authorization: Bearer %s", bearer);
		ok = add_header(client, secret.line);
		sodium_memzero(&secret, sizeof(secret));
	}
	return ok;
}

static bool set_place(struct client *client, const struct client_conf *conf)
{
	CURL *curl = client->curl;
	char pin[PIN_TEXT_SIZE];
	bool ok = true;

	if (conf->socket) {
		client->is_unix = true;
		client->base = strdup("http://localhost");
		client->where = strdup(conf->socket);
		ok = curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH,
			     conf->socket) == CURLE_OK &&
			curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK;
	} else {
		size_t len = strlen(conf->url);

		while (len > 0 && conf->url[len - 1] == '/')
			len--;
		client->base = strndup(conf->url, len);
		client->where = strndup(conf->url, len);
	}
	if (ok && conf->has_pin)
		ok = curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY,
			     pin_format(conf->pin, pin)) == CURLE_OK &&
			curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L) ==
				CURLE_OK &&
			curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L) ==
				CURLE_OK;
	return ok && client->base && client->where;
}

int client_new(const struct client_conf *conf, struct client **ret_client,
	struct err *err)
{
	AUTO(client_free) struct client *client = NULL;

	if (!conf->socket && strncmp(conf->url, "https://", 8) != 0)
		return err_set(err, -EINVAL, "not an https:// address: \"%s\"",
			conf->url);
	if (conf->bearer && strlen(conf->bearer) >= BEARER_TEXT_SIZE)
		return err_set(err, -EINVAL, "the API token is no API token");
	client = calloc(1, sizeof(*client));
	if (!client || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return err_set(err, -ENOMEM, "out of memory");
	client->curl = curl_easy_init();
	if (!client->curl || !set_place(client, conf) ||
		!set_headers(client, conf->bearer))
		return err_set(err, -ENOMEM, "cannot set up the HTTP client");
	*ret_client = TAKE(client);
	return 0;
}

/* ---- one exchange ---- */

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct buf *answer = arg;

	buf_add(answer, bytes, size * count);
	return buf_failed(answer) ? 0 : size * count;
}

static bool set_request(struct client *client,
	const struct client_request *request, const char *url,
	struct buf *answer)
{
	CURL *curl = client->curl;
	const struct buf *body = request->body;
	long timeout = ANSWER_TIMEOUT_SEC + (long)request->wait_sec;

#define SET(opt, value)                                                        \
	(curl_easy_setopt(curl, CURLOPT_##opt, value) == CURLE_OK)
	return SET(URL, url) && SET(HTTPHEADER, client->headers) &&
		SET(ERRORBUFFER, client->curl_error) && SET(NOSIGNAL, 1L) &&
		SET(USERAGENT, "meshctl/" PACKAGE_VERSION) &&
		SET(CONNECTTIMEOUT, CONNECT_TIMEOUT_SEC) &&
		SET(TIMEOUT, timeout) && SET(WRITEFUNCTION, take_body) &&
		SET(WRITEDATA, answer) &&
		SET(POSTFIELDS, body ? buf_str(body) : NULL) &&
		SET(POSTFIELDSIZE, body ? (long)body->len : 0L) &&
		(body ? SET(POST, 1L) : SET(HTTPGET, 1L)) &&
		SET(CUSTOMREQUEST, request->method);
#undef SET
}

/* Why there was no answer at all. */
static int transport_error(const struct client *client, CURLcode code,
	const struct buf *answer, struct err *err)
{
	long os_errno = 0;

	if (buf_failed(answer))
		return err_set(err, -EPROTO,
			"the answer of %s is larger than it may be",
			client->where);
	(void)curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &os_errno);
	if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
		return err_set(err, -EHOSTUNREACH,
			"cannot reach the coordinator: %s has another TLS key "
			"than the pin says",
			client->where);
	if (code == CURLE_PEER_FAILED_VERIFICATION ||
		code == CURLE_SSL_CACERT_BADFILE)
		return err_set(err, -EHOSTUNREACH,
			"cannot reach the coordinator: no authority vouches "
			"for the TLS key of %s: name it with --pin (`meshctl "
			"status' on its host shows it)",
			client->where);
	if (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
		code == CURLE_GOT_NOTHING)
		return err_set(err, -EHOSTUNREACH,
			"cannot reach the coordinator: %s closed the "
			"connection",
			client->where);
	if (client->is_unix && os_errno == EACCES)
		return err_set(err, -EHOSTUNREACH,
			"cannot reach the coordinator: no permission for %s "
			"(be "
			"root, or in the group meshd)",
			client->where);
	if (client->is_unix && code == CURLE_COULDNT_CONNECT)
		return err_set(err, -EHOSTUNREACH,
			"cannot reach the coordinator at %s: %s (is meshd "
			"running?)",
			client->where,
			os_errno ? strerror((int)os_errno) : "cannot connect");
	return err_set(err, -EHOSTUNREACH,
		"cannot reach the coordinator at %s: %s", client->where,
		client->curl_error[0] ? client->curl_error
				      : curl_easy_strerror(code));
}

static int code_of_status(long status)
{
	switch (status) {
	case 404:
	case 410:
		return -ENOENT;
	case 409:
	case 412:
		return -EEXIST;
	case 401:
	case 403:
		return -EACCES;
	default:
		return -EPROTO;
	}
}

/* What the coordinator said about its refusal. */
static int problem_error(const struct client *client, long status,
	const struct buf *answer, struct err *err)
{
	AUTO(buf_release) struct buf clean = BUF_INIT(4 * ERR_MSG_MAX);
	struct msg_problem problem;
	int code = code_of_status(status);

	if (msg_problem_decode(buf_str(answer), answer->len, &problem, NULL) <
		0)
		return err_set(
			err, code, "%s answered %ld", client->where, status);
	text_clean(problem.detail[0] ? problem.detail : problem.slug, &clean);
	msg_problem_release(&problem);
	return err_set(err, code, "%s", buf_str(&clean));
}

int client_call(struct client *client, const struct client_request *request,
	struct buf *answer, struct err *err)
{
	AUTO(buf_release) struct buf url = BUF_INIT(4096);
	CURLcode code;
	long status = 0;

	buf_addf(&url, "%s%s", client->base, request->path);
	buf_clear(answer);
	client->curl_error[0] = '\0';
	if (buf_failed(&url) ||
		!set_request(client, request, buf_str(&url), answer))
		return err_set(err, -ENOMEM, "cannot set up the HTTP request");
	code = curl_easy_perform(client->curl);
	if (code != CURLE_OK)
		return transport_error(client, code, answer, err);
	(void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
		return problem_error(client, status, answer, err);
	return 0;
}
