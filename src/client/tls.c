#include "client/tls.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "client/error.h"

struct px_tls {
	struct evbuffer *from, *to;
	char *host;
	BIO_METHOD *method;
	SSL_CTX *ctx;
	SSL *ssl;
	struct px_error end; /* code NONE: it goes on */
};

/* ---- the bytes ---- */

static int
bio_on_write(BIO *bio, const char *data, int len)
{
	struct px_tls *tls = BIO_get_data(bio);

	return len > 0 && evbuffer_add(tls->to, data, (size_t)len) == 0 ? len : -1;
}

static int
bio_on_read(BIO *bio, char *data, int len)
{
	struct px_tls *tls = BIO_get_data(bio);
	int n = len > 0 ? evbuffer_remove(tls->from, data, (size_t)len) : 0;

	BIO_clear_retry_flags(bio);
	if (n > 0)
		return n;
	BIO_set_retry_read(bio);
	return -1;
}

static long
bio_on_ctrl(BIO *bio, int command, long number, void *arg)
{
	(void)bio;
	(void)number;
	(void)arg;
	return command == BIO_CTRL_FLUSH;
}

/* Gives 'ssl' a BIO on the two evbuffers. */
static bool
tls_attach(struct px_tls *tls)
{
	BIO *bio;

	tls->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "evbuffer");
	if (tls->method == NULL || BIO_meth_set_write(tls->method, bio_on_write) != 1 ||
	    BIO_meth_set_read(tls->method, bio_on_read) != 1 ||
	    BIO_meth_set_ctrl(tls->method, bio_on_ctrl) != 1 ||
	    (bio = BIO_new(tls->method)) == NULL)
		return false;
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio);
	return true;
}

/* ---- whom to trust ---- */

/* The first thing that OpenSSL found wrong; its list of errors is the thread's, and left empty. */
static const char *
first_reason(void)
{
	unsigned long code = ERR_peek_error();
	const char *text = code != 0 ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return text != NULL ? text : "unknown error";
}

static int
trust(struct px_tls *tls, const char *ca_file, struct px_error *err)
{
	unsigned long code;

	if (ca_file == NULL) {
		(void)SSL_CTX_set_default_verify_paths(tls->ctx);
		ERR_clear_error();
		return 0;
	}
	if (SSL_CTX_load_verify_file(tls->ctx, ca_file) == 1)
		return 0;
	code = ERR_peek_error();
	if (ERR_SYSTEM_ERROR(code)) {
		ERR_clear_error();
		return px_error_set_sys(err, PX_ERROR_SYSTEM, ERR_GET_REASON(code),
		    "cannot read the certificates in '%s'", ca_file);
	}
	return px_error_set(
	    err, PX_ERROR_USAGE, "'%s' holds no certificate: %s", ca_file, first_reason());
}

/* The certificate must be for 'host'; a name is told to the server too (RFC 6066 section 3). */
static bool
expect(struct px_tls *tls)
{
	struct in6_addr ip;

	SSL_set_hostflags(tls->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (inet_pton(AF_INET, tls->host, &ip) == 1 || inet_pton(AF_INET6, tls->host, &ip) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), tls->host) == 1;
	return SSL_set1_host(tls->ssl, tls->host) == 1 &&
	       SSL_set_tlsext_host_name(tls->ssl, tls->host) == 1;
}

/* ---- making one ---- */

static int
tls_setup(struct px_tls *tls, const char *ca_file, struct px_error *err)
{
	static const unsigned char http11[] = "\x08http/1.1";

	tls->ctx = SSL_CTX_new(TLS_client_method());
	if (tls->ctx == NULL || SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) != 1)
		return px_error_set(err, PX_ERROR_SYSTEM, "cannot use TLS: %s", first_reason());
	SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(
	    tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (trust(tls, ca_file, err) == -1)
		return -1;
	tls->ssl = SSL_new(tls->ctx);
	if (tls->ssl == NULL || !tls_attach(tls) || !expect(tls) ||
	    SSL_set_alpn_protos(tls->ssl, http11, sizeof http11 - 1) != 0)
		return px_error_set(err, PX_ERROR_SYSTEM, "cannot use TLS: %s", first_reason());
	SSL_set_connect_state(tls->ssl);
	return 0;
}

int
px_tls_new(const char *host, const char *ca_file, struct evbuffer *from, struct evbuffer *to,
    struct px_tls **out, struct px_error *err)
{
	struct px_tls *tls = px_new(struct px_tls);

	tls->from = from;
	tls->to = to;
	tls->host = px_strdup(host);
	ERR_clear_error();
	if (tls_setup(tls, ca_file, err) == -1) {
		px_tls_free(tls);
		return -1;
	}
	*out = tls;
	return 0;
}

void
px_tls_free(struct px_tls *tls)
{
	if (tls == NULL)
		return;
	SSL_free(tls->ssl);
	SSL_CTX_free(tls->ctx);
	BIO_meth_free(tls->method);
	free(tls->host);
	free(tls);
}

/* ---- using it ---- */

bool
px_tls_is_open(const struct px_tls *tls)
{
	return SSL_is_init_finished(tls->ssl) == 1;
}

/* Notes the end, which is for good. */
static void
tls_end(struct px_tls *tls, int result, bool was_open)
{
	int error = SSL_get_error(tls->ssl, result);
	long verdict = SSL_get_verify_result(tls->ssl);

	if (error == SSL_ERROR_ZERO_RETURN && was_open)
		px_error_set(&tls->end, PX_ERROR_LOST, "the connection to the server was lost");
	else if (was_open)
		px_error_set(&tls->end, PX_ERROR_LOST,
		    "the connection to the server was lost: TLS: %s", first_reason());
	else if (verdict != X509_V_OK)
		px_error_set(&tls->end, PX_ERROR_CONNECT,
		    "the certificate of '%s' is not valid: %s", tls->host,
		    X509_verify_cert_error_string(verdict));
	else
		px_error_set(&tls->end, PX_ERROR_CONNECT, "cannot agree on TLS with '%s': %s",
		    tls->host, first_reason());
	ERR_clear_error();
}

/* Up to one record. 1: some; 0: none now; -1: the end. */
static int
tls_read(struct px_tls *tls, struct evbuffer *plain)
{
	bool was_open = px_tls_is_open(tls);
	struct evbuffer_iovec space;
	int n;

	ERR_clear_error();
	if (!was_open) {
		n = SSL_do_handshake(tls->ssl);
	} else {
		if (evbuffer_reserve_space(plain, SSL3_RT_MAX_PLAIN_LENGTH, &space, 1) != 1) {
			px_error_set(
			    &tls->end, PX_ERROR_SYSTEM, "no memory for what the server sends");
			return -1;
		}
		n = SSL_read(tls->ssl, space.iov_base, SSL3_RT_MAX_PLAIN_LENGTH);
		space.iov_len = n > 0 ? (size_t)n : 0;
		evbuffer_commit_space(plain, &space, 1);
	}
	if (n > 0)
		return 1;
	if (SSL_get_error(tls->ssl, n) == SSL_ERROR_WANT_READ)
		return 0;
	tls_end(tls, n, was_open);
	return -1;
}

int
px_tls_receive(struct px_tls *tls, struct evbuffer *plain, struct px_error *err)
{
	int result = 1;

	while (tls->end.code == PX_ERROR_NONE && result == 1)
		result = tls_read(tls, plain);
	return tls->end.code == PX_ERROR_NONE ? 0 : px_error_copy(err, &tls->end);
}

void
px_tls_send(struct px_tls *tls, struct evbuffer *plain)
{
	size_t len;
	int n = 1;

	ERR_clear_error();
	while (n > 0 && evbuffer_get_length(plain) > 0) {
		unsigned char *data = evbuffer_pullup(plain, 1);

		len = evbuffer_get_contiguous_space(plain);
		n = SSL_write(tls->ssl, data, len < INT_MAX ? (int)len : INT_MAX);
		evbuffer_drain(plain, n > 0 ? (size_t)n : 0);
	}
	ERR_clear_error();
	if (n <= 0)
		evbuffer_drain(plain, evbuffer_get_length(plain));
}

void
px_tls_close(struct px_tls *tls)
{
	if (px_tls_is_open(tls) && tls->end.code == PX_ERROR_NONE)
		(void)SSL_shutdown(tls->ssl);
	ERR_clear_error();
}
