#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/web/webstate.h"

static char *text_of(BIO *bio) {
    char *data = NULL;
    const long n = BIO_get_mem_data(bio, &data);
    char *text = n > 0 ? iad_alloc((size_t)n + 1, 1) : NULL;
    if (!text) return NULL;
    memcpy(text, data, (size_t)n);
    text[n] = '\0';
    return text;
}

iad_status iad_web_certificate_make(char **key, char **certificate, iad_err *err) {
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    BIO *key_text = BIO_new(BIO_s_mem()), *x_text = BIO_new(BIO_s_mem());
    *key = *certificate = NULL;
    int good = pair && x && key_text && x_text;
    if (good) {
        X509_NAME *name = X509_get_subject_name(x);
        good = X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) && X509_gmtime_adj(X509_getm_notBefore(x), -3600) &&
               X509_gmtime_adj(X509_getm_notAfter(x), 86400) && X509_set_pubkey(x, pair) &&
               X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0) && X509_set_issuer_name(x, name) &&
               X509_sign(x, pair, EVP_sha256()) && PEM_write_bio_PrivateKey(key_text, pair, NULL, NULL, 0, NULL, NULL) &&
               PEM_write_bio_X509(x_text, x);
    }
    if (good) {
        *key = text_of(key_text);
        *certificate = text_of(x_text);
        good = *key && *certificate;
    }
    BIO_free(key_text);
    BIO_free(x_text);
    X509_free(x);
    EVP_PKEY_free(pair);
    return good ? IAD_OK : IAD_FAIL(err, IAD_ERR_INTERNAL, "no certificate could be made");
}
