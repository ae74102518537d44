#include "link_peer.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* wss: whom a link trusts, and what goes through. The certificates are made here. */

enum { DAY = 24 * 60 * 60 };

/* ---- certificates ---- */

struct authority {
	EVP_PKEY *key;
	X509 *cert;
	char file[64]; /* the certificate, in PEM */
};

static void
extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_ptr_nonnull(extension);
	ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Valid from 'from' to 'until', seconds from now. 'issuer' NULL: signed by itself. */
static X509 *
certify(EVP_PKEY *key, const char *name, const struct authority *issuer, long from, long until)
{
	static long serial;
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), from);
	X509_gmtime_adj(X509_getm_notAfter(cert), until);
	X509_NAME_add_entry_by_txt(
	    subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer->cert) : subject);
	X509_set_pubkey(cert, key);
	return cert;
}

static void
authority_make(struct authority *authority, const char *name)
{
	FILE *file;
	int fd;

	authority->key = EVP_EC_gen("P-256");
	authority->cert = certify(authority->key, name, NULL, -DAY, DAY);
	extend(authority->cert, authority->cert, NID_basic_constraints, "critical,CA:TRUE");
	ck_assert_int_gt(X509_sign(authority->cert, authority->key, EVP_sha256()), 0);
	snprintf(authority->file, sizeof authority->file, "/tmp/ptyexec-ca-XXXXXX");
	fd = mkstemp(authority->file);
	ck_assert_int_ne(fd, -1);
	file = fdopen(fd, "w");
	ck_assert_int_eq(PEM_write_X509(file, authority->cert), 1);
	ck_assert_int_eq(fclose(file), 0);
}

static void
authority_free(struct authority *authority)
{
	unlink(authority->file);
	X509_free(authority->cert);
	EVP_PKEY_free(authority->key);
}

/* What a server with a certificate for 'names' (as in openssl's subjectAltName) needs. */
static SSL_CTX *
server_tls(const struct authority *authority, const char *names, long until)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = certify(key, "server", authority, -2 * DAY, until);

	extend(cert, authority != NULL ? authority->cert : cert, NID_subject_alt_name, names);
	ck_assert_int_gt(
	    X509_sign(cert, authority != NULL ? authority->key : key, EVP_sha256()), 0);
	ck_assert_int_eq(SSL_CTX_use_certificate(ctx, cert), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}

/* ---- whom to trust ---- */

static struct authority good, bad;

static void
make_authorities(void)
{
	authority_make(&good, "good");
	authority_make(&bad, "bad");
}

static void
free_authorities(void)
{
	authority_free(&good);
	authority_free(&bad);
}

static char *
wss_url(const struct echo *echo, const char *host, char buf[64])
{
	snprintf(buf, 64, "wss://%s:%u", host, echo->port);
	return buf;
}

static const struct {
	const char *host, *names;
	int version; /* of TLS, the server's only one; 0: any */
} right[] = {
	{ "localhost", "DNS:localhost", 0 },
	{ "localhost", "DNS:other,DNS:localhost", TLS1_2_VERSION },
	{ "127.0.0.1", "IP:127.0.0.1", 0 },
	{ "localhost", "DNS:localhost", TLS1_3_VERSION },
};

START_TEST(test_right)
{
	SSL_CTX *tls = server_tls(&good, right[_i].names, DAY);
	struct echo echo;
	struct near near;
	char url[64];

	if (right[_i].version != 0) {
		SSL_CTX_set_min_proto_version(tls, right[_i].version);
		SSL_CTX_set_max_proto_version(tls, right[_i].version);
	}
	echo_start(&echo, tls);
	ck_assert(near_open_with(&near, wss_url(&echo, right[_i].host, url), good.file));
	near_say(&near, "early", 5);
	near_until_messages(&near, 1);
	ck_assert(px_link_is_open(near.link));
	near_must_have(&near, "early\n");
	near_close(&near);
	echo_stop(&echo);
	ck_assert(echo.agreed);
	ck_assert(echo.said_goodbye);
	ck_assert(echo.notified);
}
END_TEST

static const struct {
	const char *host, *names;
	const struct authority *signer, *trusted; /* NULL: itself; the system's */
	long until;
	const char *text;
} wrong[] = {
	{ "localhost", "DNS:localhost", &bad, &good, DAY,
	    "the certificate of 'localhost' is not valid: unable to get local issuer" },
	{ "localhost", "DNS:localhost", &good, NULL, DAY,
	    "the certificate of 'localhost' is not valid: unable to get local issuer" },
	{ "localhost", "DNS:localhost", NULL, &good, DAY,
	    "the certificate of 'localhost' is not valid: self-signed certificate" },
	{ "localhost", "DNS:elsewhere.example", &good, &good, DAY,
	    "the certificate of 'localhost' is not valid: hostname mismatch" },
	{ "127.0.0.1", "DNS:localhost,IP:127.0.0.2", &good, &good, DAY,
	    "the certificate of '127.0.0.1' is not valid: IP address mismatch" },
	{ "localhost", "IP:127.0.0.1", &good, &good, DAY,
	    "the certificate of 'localhost' is not valid: hostname mismatch" },
	{ "localhost", "DNS:localhost", &good, &good, -DAY,
	    "the certificate of 'localhost' is not valid: certificate has expired" },
};

START_TEST(test_wrong)
{
	struct echo echo;
	struct near near;
	char url[64];

	echo_start(&echo, server_tls(wrong[_i].signer, wrong[_i].names, wrong[_i].until));
	ck_assert(near_open_with(&near, wss_url(&echo, wrong[_i].host, url),
	    wrong[_i].trusted != NULL ? wrong[_i].trusted->file : NULL));
	near_say(&near, "a secret", 8);
	near_must_end(&near, PX_ERROR_CONNECT, 0, wrong[_i].text);
	ck_assert(!px_link_is_open(near.link));
	near_close(&near);
	echo_stop(&echo);
	ck_assert(!echo.agreed);
}
END_TEST

START_TEST(test_old_version)
{
	SSL_CTX *tls = server_tls(&good, "DNS:localhost", DAY);
	struct echo echo;
	struct near near;
	char url[64];

	SSL_CTX_set_security_level(tls, 0);
	SSL_CTX_set_min_proto_version(tls, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(tls, TLS1_1_VERSION);
	echo_start(&echo, tls);
	ck_assert(near_open_with(&near, wss_url(&echo, "localhost", url), good.file));
	near_must_end(&near, PX_ERROR_CONNECT, 0, "cannot agree on TLS with 'localhost': ");
	near_close(&near);
	echo_stop(&echo);
}
END_TEST

/* An HTTP answer where TLS is expected. */
START_TEST(test_not_tls)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	struct near near;
	unsigned port;
	int listener = far_listen(5, &port), fd;
	char url[64];

	snprintf(url, sizeof url, "wss://127.0.0.1:%u", port);
	ck_assert(near_open_with(&near, url, good.file));
	near_settle(&near);
	fd = accept(listener, NULL, NULL);
	ck_assert_int_eq(send(fd, answer, sizeof answer - 1, 0), sizeof answer - 1);
	near_must_end(&near, PX_ERROR_CONNECT, 0,
	    "cannot agree on TLS with '127.0.0.1': wrong version number");
	near_close(&near);
	close(fd);
	close(listener);
}
END_TEST

START_TEST(test_hang_up)
{
	struct near near;
	unsigned port;
	int listener = far_listen(5, &port), fd;
	char url[64], hello[4096];

	snprintf(url, sizeof url, "wss://127.0.0.1:%u", port);
	ck_assert(near_open_with(&near, url, good.file));
	near_settle(&near);
	fd = accept(listener, NULL, NULL);
	ck_assert_int_gt(recv(fd, hello, sizeof hello, 0), 0);
	close(fd);
	near_must_end(&near, PX_ERROR_CONNECT, 0, "hung up before the connection was open");
	near_close(&near);
	close(listener);
}
END_TEST

START_TEST(test_authority_file)
{
	struct near near;

	ck_assert(!near_open_with(&near, "wss://127.0.0.1:1", "/nowhere/ca.pem"));
	near_must_end(&near, PX_ERROR_SYSTEM, ENOENT,
	    "cannot read the certificates in '/nowhere/ca.pem': No such file");
	near_close(&near);
	ck_assert(!near_open_with(&near, "wss://127.0.0.1:1", "/dev/null"));
	near_must_end(&near, PX_ERROR_USAGE, 0, "'/dev/null' holds no certificate");
	near_close(&near);
}
END_TEST

/* ---- what goes through ---- */

START_TEST(test_large)
{
	struct echo echo;
	struct near near;
	char url[64];

	echo_start(&echo, server_tls(&good, "DNS:localhost", DAY));
	ck_assert(near_open_with(&near, wss_url(&echo, "localhost", url), good.file));
	near_until_open(&near);
	near_echoes(&near, 1);
	near_echoes(&near, 16384);
	near_echoes(&near, 100000);
	near_echoes(&near, 32 * 1024 * 1024);
	near_close(&near);
	echo_stop(&echo);
	ck_assert(echo.notified);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("link_tls");

	tcase_add_checked_fixture(tc, make_authorities, free_authorities);
	tcase_add_loop_test(tc, test_right, 0, sizeof right / sizeof right[0]);
	tcase_add_loop_test(tc, test_wrong, 0, sizeof wrong / sizeof wrong[0]);
	tcase_add_test(tc, test_old_version);
	tcase_add_test(tc, test_not_tls);
	tcase_add_test(tc, test_hang_up);
	tcase_add_test(tc, test_authority_file);
	tcase_add_test(tc, test_large);
	return run_cases(tc);
}
