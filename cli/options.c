/*
 * cli/options.c - the options, and how a command line is read
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option table[OPT_COUNT] = {
    [OPT_ACCEPT] = {"accept", 0, "STATUS", "affirming warning contraindicated none", NULL, false,
                    "the worst that a part of the guest may have come to; affirming otherwise"},
    [OPT_ADMIN_KEY] = {"admin-key", 0, "FILE", NULL, NULL, false,
                       "public key (PEM) of whoever may administer the KBS over HTTP"},
    [OPT_ALGORITHM] = {"algorithm", 0, "NAME", "sha256 sha384 sha512", NULL, false,
                       "digest of the document; sha384 otherwise, sha256 for upstream's TPMs"},
    [OPT_ALL] = {"all", 0, NULL, NULL, NULL, false,
                 "the images of all platforms, in an index again"},
    [OPT_ALLOW] = {"allow", 0, "CHECK", NULL, NULL, true,
                   "let evidence be valid that fails this check, such as debug"},
    [OPT_ALLOW_UNSIGNED] = {"allow-unsigned", 0, NULL, NULL, NULL, false,
                            "take what nobody signed, too: whoever changes it chooses the secret"},
    [OPT_ANNOTATIONS] = {"annotations", 0, "JSON", NULL, NULL, false,
                         "object that goes along for the provider"},
    [OPT_API] = {"api", 0, "MAJOR.MINOR", NULL, NULL, false,
                 "version of the firmware's interface, as query-sev tells it"},
    [OPT_AS] = {"as", 0, "TEE", "tdx snp tpm", NULL, false, "which TEE to be"},
    [OPT_AT] = {"at", 0, "TIME", NULL, NULL, false,
                "verify as of 2026-01-31T12:00:00Z or seconds since 1970; now otherwise"},
    [OPT_ATTESTATION] = {"attestation", 0, "ID", NULL, NULL, false,
                         "the attestation policy of this id, such as default_cpu"},
    [OPT_AUDIENCE] = {"audience", 0, "URI", NULL, NULL, false,
                      "whom a token is for, and for nobody else, such as https://bank.example"},
    [OPT_AUTHFILE] =
        {"authfile", 0, "FILE", NULL, "REGISTRY_AUTH_FILE", false,
         "credentials for registries, an auth.json or kbs:///… at --kbs; else as podman has them"},
    [OPT_BUILD] = {"build", 0, "NUMBER", NULL, NULL, false,
                   "build of the firmware, as query-sev tells it"},
    [OPT_CA] = {"ca", 0, "FILE", NULL, NULL, false,
                "CAs (PEM) of whoever issues tokens that bring their certificates along"},
    [OPT_CACHE] = {"cache", 0, "ADDRESS", NULL, "COCO_IMAGE_CACHE", false,
                   "ask the host's cache first: unix:/PATH, vsock:CID:PORT or IP:PORT"},
    [OPT_CERT_DIR] = {"cert-dir", 0, "DIR", NULL, NULL, false,
                      "CAs (*.crt) and client certificates (*.cert, *.key); else those of certs.d"},
    [OPT_CMDLINE] = {"cmdline", 0, "TEXT", NULL, NULL, false, "command line of the kernel"},
    [OPT_COLLATERAL] = {"collateral", 0, "SOURCE", NULL, "COCO_COLLATERAL", true,
                        "certificates and the like: makers, an address, a directory, a bundle"},
    [OPT_COLLATERAL_CACHE] = {"collateral-cache", 0, "DIR", NULL, "COCO_COLLATERAL_CACHE", false,
                              "keep what comes from addresses in files there"},
    [OPT_COLLATERAL_KEY] = {"collateral-key", 0, "FILE", NULL, "COCO_COLLATERAL_KEY", false,
                            "public key (PEM) of the owner of a bundle"},
    [OPT_CONFIG] = {"config", 0, "FILE", NULL, "KBS_CONFIG_FILE", false,
                    "configuration, a kbs-config.toml"},
    [OPT_CPU] = {"cpu", 0, "TYPE", NULL, NULL, false,
                 "type of the CPUs: EPYC-Milan and the like, or FAMILY-MODEL-STEPPING"},
    [OPT_DEV] = {"dev", 0, NULL, NULL, NULL, false,
                 "for development: in memory, trusts software evidence, gives all to who attests"},
    [OPT_DIGEST] = {"digest", 0, "HEX", NULL, NULL, false,
                    "what must have been launched: \"coco measure --tee sev\" tells it"},
    [OPT_EDK2] =
        {"edk2", 0, "RELEASE", NULL, NULL, false,
         "what the firmware was made of: 202411 of edk2-stable202411; the newest otherwise"},
    [OPT_EVIDENCE] = {"evidence", 0, "FILE", NULL, NULL, false,
                      "evidence of the machine, as \"evidence get\" prints it"},
    [OPT_EXPECT] = {"expect", 0, "HEX", NULL, NULL, false,
                    "SHA-256 of the backup, as \"kbs backup\" told it"},
    [OPT_EXPIRES] =
        {"expires", 0, "TIME", NULL, NULL, false,
         "when the values end: 2027-01-31T12:00:00Z; as before, or in a year otherwise"},
    [OPT_FIRMWARE] = {"firmware", 0, "FILE", NULL, NULL, false, "firmware that boots"},
    [OPT_FORCE] = {"force", 0, NULL, NULL, NULL, false, "in the place of all that is there"},
    [OPT_FORM] = {"form", 0, "WORD", "json values rvps corim", NULL, false,
                  "write them for others: our file, an object of values by name, a message for "
                  "Trustee's RVPS, or a CoRIM that nobody signed"},
    [OPT_FROM] = {"from", 0, "FILE", NULL, NULL, true,
                  "file with values, such as \"coco measure --json\" prints; - is stdin"},
    [OPT_GUEST_FEATURES] = {"guest-features", 0, "NUMBER", NULL, NULL, false,
                            "SEV_FEATURES of the guest, such as 0x21; 0x1 otherwise"},
    [OPT_IGNORE_CHOWN] = {"ignore-chown", 0, NULL, NULL, NULL, false,
                          "without the privileges for it: leave out owners, capabilities, devices"},
    [OPT_INITRD] = {"initrd", 0, "FILE", NULL, NULL, false, "initial file system of the kernel"},
    [OPT_INIT_DATA] = {"init-data", 0, "HEX|FILE", NULL, NULL, false,
                       "digest of what the machine was started with, or the document itself"},
    [OPT_INSECURE_POLICY] = {"insecure-policy", 0, "WORD", "accept-anything", NULL, false,
                             "pull by tag without a policy: the registry decides what you get"},
    [OPT_INTERVAL] = {"interval", 0, "SECONDS", NULL, NULL, false,
                      "look about this often, up to a quarter more or less; 60 otherwise"},
    [OPT_ISSUER] = {"issuer", 0, "URL", NULL, NULL, false,
                    "whose tokens are good; at https it says its keys itself"},
    [OPT_JWKS] = {"jwks", 0, "FILE", NULL, NULL, false,
                  "public keys (a JWK set) of whoever issues tokens"},
    [OPT_KBS] = {"kbs", 0, "URL", NULL, "COCO_KBS", false,
                 "key broker service, or <kbc>::<uri> for another key broker client"},
    [OPT_KBS_ADMIN_KEY] = {"kbs-admin-key", 0, "FILE", NULL, "COCO_KBS_ADMIN_KEY", false,
                           "private key (PEM) that signs requests as the broker's owner"},
    [OPT_KBS_CA] = {"kbs-ca", 0, "FILE", NULL, "COCO_KBS_CA", false,
                    "CAs (PEM) to trust for the broker, instead of the system's"},
    [OPT_KBS_PATH] = {"kbs-path", 0, "PATH", NULL, NULL, false,
                      "resource that becomes the image's key: repository/type/tag"},
    [OPT_KBS_POLICY] = {"kbs-policy", 0, "FILE", NULL, NULL, false,
                        "who gets the image's key: a policy in Rego for it alone"},
    [OPT_KEEP_RECIPIENTS] = {"keep-recipients", 0, NULL, NULL, NULL, false,
                             "let those who can open the image now still open it"},
    [OPT_KEK_PREFIX] = {"kek-prefix", 0, "URI", NULL, "COCO_KEK_PREFIX", false,
                        "ask the broker for keys of layers under kbs:///REPOSITORY/[TYPE/] alone"},
    [OPT_KERNEL] = {"kernel", 0, "FILE", NULL, NULL, false, "kernel that boots"},
    [OPT_KEY] =
        {"key", 0, "FILE[:PASSWORD]", NULL, NULL, true,
         "what opens encrypted layers: a private key (PEM, DER, JWK, OpenPGP, a token's YAML), "
         "a certificate (PEM) of one, or provider:NAME[:PARAMETER]; PASSWORD is file=FILE, "
         "fd=NUMBER or pass=TEXT"},
    [OPT_KEY_PREFIX] = {"key-prefix", 0, "URI", NULL, "COCO_KEY_PREFIX", false,
                        "ask the broker for keys that sign under kbs:///REPOSITORY/[TYPE/] alone"},
    [OPT_KEY_PROVIDERS] = {"key-providers", 0, "FILE", NULL, "OCICRYPT_KEYPROVIDER_CONFIG", false,
                           "which key providers there are, as ocicrypt has it (JSON)"},
    [OPT_KEYRING] = {"keyring", 0, "FILE", NULL, NULL, true,
                     "OpenPGP keys of recipients, as \"gpg --export\" writes them"},
    [OPT_KID] = {"kid", 0, "NAME", NULL, NULL, false,
                 "where the public half of the key is found: kbs:///REPO/TYPE/TAG, or its name"},
    [OPT_LAYER] =
        {"layer", 0, "N", NULL, NULL, true,
         "encrypt this layer, from 0 at the bottom or -1 at the top; otherwise all of them"},
    [OPT_LIFE] = {"life", 0, "SECONDS", NULL, NULL, false,
                  "how long it is good, up to a day; 600 otherwise"},
    [OPT_LISTEN] = {"listen", 0, "HOST:PORT", NULL, NULL, false,
                    "serve at this address; port 0 takes a free one"},
    [OPT_MAX_BYTES] = {"max-bytes", 0, "BYTES", NULL, NULL, false,
                       "refuse images with more bytes in their layers; the default is 16 GiB"},
    [OPT_MAX_CONTENT] = {"max-content", 0, "BYTES", NULL, NULL, false,
                         "refuse images with more bytes in their files; the default is 64 GiB"},
    [OPT_MAX_MEMORY] = {"max-memory", 0, "BYTES", NULL, NULL, false,
                        "buffers and decompressor windows of a pull, 1 MiB and up; the default is "
                        "16 MiB"},
    [OPT_MAX_RATIO] =
        {"max-ratio", 0, "N", NULL, NULL, false,
         "refuse layers that are compressed more than N to 1; the default is 1100, which "
         "zstd exceeds with a file of zeros"},
    [OPT_MEASUREMENT] = {"measurement", 0, "HEX", NULL, NULL, false,
                         "what the evidence has, such as MRCONFIGID or HOST_DATA"},
    [OPT_NO_CHUNKS] =
        {"no-chunks", 0, NULL, NULL, NULL, false,
         "write no list of the layers' chunks, by which a guest authenticates them as "
         "they come"},
    [OPT_NO_PROOF] = {"no-proof", 0, NULL, NULL, NULL, false,
                      "do not read again what was encrypted"},
    [OPT_NO_PROXY] = {"no-proxy", 0, "LIST", NULL, NULL, false,
                      "hosts to reach directly, with commas between; else those of $NO_PROXY"},
    [OPT_OLD_KEY] = {"old-key", 0, "FILE", NULL, NULL, false,
                     "key that the database was sealed with so far; default: it was not"},
    [OPT_OUTPUT] = {"output", 'o', "FILE", NULL, NULL, false,
                    "write to FILE, which only you can read, instead of stdout"},
    [OPT_PASSPORT] = {"passport", 0, "FILE", NULL, "COCO_PASSPORT", false,
                      "show the broker this token with its key instead of attesting"},
    [OPT_PASSPORT_OUT] = {"passport-out", 0, "FILE", NULL, NULL, false,
                          "write the token with its key to FILE, for --passport elsewhere"},
    [OPT_POST] = {"post", 0, "FILE", NULL, NULL, false,
                  "send FILE to a plug-in of the broker (- is stdin), such as a PKCS#10"},
    [OPT_OVERLAY] = {"overlay", 0, NULL, NULL, NULL, false,
                     "with --store: mount rootfs over the store's files instead of copying them"},
    [OPT_OWNER_KEY] = {"owner-key", 0, "FILE", NULL, NULL, false,
                       "public key (PEM) of who signed what is verified"},
    [OPT_PATH] = {"path", 0, "REPO[/TYPE[/TAG]]", NULL, NULL, false,
                  "the policy of these resources alone"},
    [OPT_PLAIN] = {"plain", 0, NULL, NULL, NULL, false,
                   "of a store that is not sealed, with all secrets as they are"},
    [OPT_PLAIN_HTTP] = {"plain-http", 0, NULL, NULL, NULL, false, "talk to registries without TLS"},
    [OPT_PLATFORM] = {"platform", 0, "OS/ARCH[/VARIANT]", NULL, "COCO_PLATFORM", false,
                      "which image of a multi-platform one; the default is this machine's"},
    [OPT_POLICY] = {"policy", 0, "FILE", NULL, "COCO_POLICY", false,
                    "what pulled images must meet, a containers policy.json"},
    [OPT_PROVIDER] = {"provider", 0, "NAME[=KBC]", NULL, NULL, true,
                      "who has the secret, or the key that wraps it: a <kbc>::<uri>"},
    [OPT_PROVIDER_SETTINGS] = {"provider-settings", 0, "JSON", NULL, NULL, false,
                               "object that goes along for the provider"},
    [OPT_PROXY] = {"proxy", 0, "URL", NULL, "COCO_PROXY", false,
                   "reach servers through http://HOST:PORT; else as $HTTPS_PROXY "
                   "and its kin say"},
    [OPT_PURGE] = {"purge", 0, NULL, NULL, NULL, false, "with all versions, for good"},
    [OPT_RECIPIENT] =
        {"recipient", 0, "KIND:WHO", NULL, NULL, true,
         "whoever may open the layers: jwe:FILE of a public key, pkcs7:FILE of a certificate, "
         "pkcs11:FILE of a public or token's key, pgp:WHO in --keyring, or "
         "provider:NAME[:PARAMETER]"},
    [OPT_REFERENCE_VALUES] =
        {"reference-values", 0, "FILE", NULL, NULL, false,
         "what claims must be: a file of \"rv add\", or an object of values or lists by claim"},
    [OPT_REGISTRIES_CONF] = {"registries-conf", 0, "FILE", NULL, "CONTAINERS_REGISTRIES_CONF",
                             false, "mirrors, and where images are got from: a registries.conf"},
    [OPT_REGISTRIES_D] = {"registries-d", 0, "DIR", NULL, NULL, false,
                          "where signatures are kept: a registries.d, its *.yaml"},
    [OPT_REMOVE] = {"remove", 0, NULL, NULL, NULL, false,
                    "remove the file when what is in it may not be used any longer"},
    [OPT_REPLACE] = {"replace", 0, NULL, NULL, NULL, false,
                     "put values in the place of what is there, instead of adding to lists"},
    [OPT_REPORT_DATA] = {"report-data", 0, "HEX", NULL, NULL, false,
                         "1 to 64 bytes that the evidence is bound to"},
    [OPT_REQUIRE_ENCRYPTION] = {"require-encryption", 0, NULL, NULL, NULL, false,
                                "refuse an image with a layer that is not encrypted"},
    [OPT_RETRIES] = {"retries", 0, "N", NULL, NULL, false,
                     "how often to try again what may pass, 0 for never; 4 otherwise"},
    [OPT_ROLE] = {"role", 0, "NAME", NULL, NULL, false,
                  "what the broker's lists of who may do what call its bearer; admin otherwise"},
    [OPT_SEV_ES] = {"sev-es", 0, NULL, NULL, NULL, false, "of SEV: the guest is one of SEV-ES"},
    [OPT_SIGNATURE_FORM] = {"signature-form", 0, "WORD", "tag referrer bundle", NULL, false,
                            "what the signature becomes: a tag, an artifact that refers to the "
                            "image, or a Sigstore bundle that does; tag otherwise"},
    [OPT_SIGNER] = {"signer", 0, "NAME", NULL, NULL, false, "how who signs is called"},
    [OPT_SECRET] = {"secret", 0, "NAME=FILE", NULL, NULL, true,
                    "secret for the guest, called kbs:///REPO/TYPE/TAG or by a GUID"},
    [OPT_SEV_POLICY] = {"sev-policy", 0, "NUMBER", NULL, NULL, false,
                        "policy of the guest, such as 0x5 of SEV-ES; 0x1 otherwise"},
    [OPT_SIGN_BY] = {"sign-by", 0, "WHO", NULL, NULL, false,
                     "whose key of OpenPGP signs, of several: a fingerprint, an e-mail or a name"},
    [OPT_SIGN_KEY] = {"sign-key", 0, "FILE", NULL, NULL, false,
                      "private key (PEM, P-256 or Ed25519) that signs what is made"},
    [OPT_STALL_TIMEOUT] = {"stall-timeout", 0, "SECONDS", NULL, NULL, false,
                           "give a transfer up, and try again, after so long without progress; 60 "
                           "otherwise"},
    [OPT_STATE] = {"state", 0, "DIR", NULL, "COCO_TEE_STATE", false,
                   "where the keys of its maker are kept, and what a verifier needs"},
    [OPT_STORE] = {"store", 0, "DIR", NULL, "COCO_STORE", false,
                   "where layers are unpacked once, for all images that have them"},
    [OPT_TAMPER] = {"tamper", 0, "WHAT", "measurement layer key policy", NULL, false,
                    "change one thing behind the owner's back and see it refused"},
    [OPT_TDX_ORDER] = {"tdx-order", 0, "WORD", "page section", NULL, false,
                       "how the VMM adds pages: page by page, or section by section as KVM did "
                       "before Linux 6.16"},
    [OPT_TEE] = {"tee", 0, "NAME", NULL, "COCO_TEE", false,
                 "which TEE to attest, such as software or sample; else it is detected"},
    [OPT_TLS_CA] = {"tls-ca", 0, "FILE", NULL, "COCO_TLS_CA", false,
                    "CAs (PEM) to trust for registries and services, instead of the system's"},
    [OPT_TO_VERSION] = {"to-version", 0, "N", NULL, NULL, false,
                        "version to put again; default: what was deleted, or replaced, last"},
    [OPT_TRUST_KEY] = {"trust-key", 0, "TEE=FILE", NULL, NULL, true,
                       "public key (PEM) that evidence may rest on: of software, tpm or cca"},
    [OPT_TRUST_ROOT] = {"trust-root", 0, "MAKER=sha256:HEX", NULL, NULL, true,
                        "root certificate to trust besides the maker's own, such as of amd/Milan"},
    [OPT_VCPUS] = {"vcpus", 0, "N", NULL, NULL, false, "number of its CPUs; 1 otherwise"},
    [OPT_VMM] = {"vmm", 0, "WORD", "qemu ec2 gce", NULL, false,
                 "what runs the guest; qemu otherwise"},
    [OPT_WRAP_KEY] = {"wrap-key", 0, "ID", NULL, NULL, false,
                      "the provider's key that wraps the key of the envelope"},
    [OPT_JSON] = {"json", 0, NULL, NULL, NULL, false,
                  "write results and events as lines of JSON to stdout, errors to stderr"},
    [OPT_LOG] = {"log", 0, "LEVEL", "debug info warn", "COCO_LOG", false,
                 "write what the library logs from this level on to stderr"},
    [OPT_HELP] = {"help", 'h', NULL, NULL, NULL, false, "explain the command"},
};

const char *
cli_env(const char *name)
{
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): nobody sets any */

    return value && *value ? value : NULL;
}

const struct cli_option *
cli_option(enum cli_opt opt)
{
    return &table[opt];
}

/* What is left to read, and where problems go. */
struct reader {
    int argc;
    char **argv;
    int at;
    struct cli_args *args;
    char *problem;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static bool
bad(struct reader *r, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    (void)vsnprintf(r->problem, r->size, fmt, list);
    va_end(list);
    return false;
}

static bool
takes(const struct cli_command *command, enum cli_opt opt)
{
    if (opt >= OPT_FIRST_COMMON)
        return true;
    if (!command)
        return false;
    for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i] != OPT_END; i++)
        if (command->options[i] == opt)
            return true;
    return false;
}

/* The option that word, "--name[=value]" or "-x", names; OPT_END if none does. */
static enum cli_opt
find_option(const char *word, const char **value)
{
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1);
    size_t len = strcspn(name, "=");

    *value = NULL;
    for (enum cli_opt opt = OPT_END + 1; opt < OPT_COUNT; opt++) {
        const struct cli_option *o = &table[opt];
        bool same = is_long ? strlen(o->name) == len && strncmp(o->name, name, len) == 0
                            : o->letter != 0 && name[0] == o->letter && name[1] == '\0';

        if (!same)
            continue;
        *value = is_long && name[len] == '=' ? name + len + 1 : NULL;
        return opt;
    }
    return OPT_END;
}

/* Whether word is one of choices, words with a space between. */
static bool
is_choice(const char *choices, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = choices; *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");

        if (n == len && strncmp(at, word, n) == 0)
            return true;
        at += n;
    }
    return false;
}

static bool
read_option(struct reader *r)
{
    struct cli_args *args = r->args;
    const char *word = r->argv[r->at++];
    const char *value;
    enum cli_opt opt = find_option(word, &value);

    if (opt == OPT_END || !takes(args->command, opt))
        return bad(r, "unknown option %.*s", (int)strcspn(word, "="), word);
    const struct cli_option *o = &table[opt];
    if (!o->value && value)
        return bad(r, "--%s takes no value", o->name);
    if (o->value && !value) {
        if (r->at == r->argc)
            return bad(r, "--%s needs %s", o->name, o->value);
        value = r->argv[r->at++];
    }
    if (o->value && !*value)
        return bad(r, "--%s is empty", o->name);
    if (o->choices && value && !is_choice(o->choices, value))
        return bad(r, "--%s can be: %s", o->name, o->choices);
    if (!o->repeated && o->value && cli_given(args, opt))
        return bad(r, "--%s is given twice", o->name);
    if (args->n_given == CLI_GIVEN_MAX)
        return bad(r, "more than %d options", CLI_GIVEN_MAX);
    args->given[args->n_given].opt = opt;
    args->given[args->n_given++].value = value ? value : "";
    args->help = args->help || opt == OPT_HELP;
    return true;
}

/* Finds the command of one or two words at the reader. */
static bool
read_command(struct reader *r)
{
    const char *first = r->argv[r->at++];
    const char *second = r->at < r->argc ? r->argv[r->at] : "";
    const struct cli_command *command;
    size_t len = strlen(first);

    for (size_t i = 0; (command = cli_command(i)); i++) {
        if (strcmp(command->name, first) == 0) {
            r->args->command = command;
            return true;
        }
        if (strncmp(command->name, first, len) != 0 || command->name[len] != ' ')
            continue;
        r->args->group = first;
        if (strcmp(command->name + len + 1, second) == 0) {
            r->args->command = command;
            r->at++;
            return true;
        }
    }
    if (!r->args->group)
        return bad(r, "unknown command %s", first);
    if (*second == '\0' || *second == '-')
        return true;
    return bad(r, "unknown command %s %s", first, second);
}

static bool
read_operand(struct reader *r)
{
    struct cli_args *args = r->args;
    const char *word = r->argv[r->at];

    if (!args->command && !args->group && strcmp(word, "help") == 0) {
        args->help = true;
        r->at++;
        return true;
    }
    if (!args->command && !args->group)
        return read_command(r);
    if (!args->command)
        return bad(r, "unknown command %s %s", args->group, word);
    r->at++;
    if (args->n_operands == args->command->max)
        return bad(r, "unexpected %s", word);
    args->operands[args->n_operands++] = word;
    return true;
}

bool
cli_args_parse(int argc, char **argv, struct cli_args *ret, char *problem, size_t size)
{
    struct reader r = {.argc = argc, .argv = argv, .at = 1, .args = ret, .size = size};
    bool options = true;

    r.problem = problem;
    while (r.at < argc) {
        const char *word = argv[r.at];
        bool ok;

        if (options && strcmp(word, "--") == 0) {
            options = false;
            r.at++;
            if (ret->command && ret->command->rest) {
                ret->rest = argv + r.at;
                break;
            }
            continue;
        }
        /* "-" alone is an operand: stdin or stdout. */
        if (options && word[0] == '-' && word[1] != '\0')
            ok = read_option(&r);
        else
            ok = read_operand(&r);
        if (!ok)
            return false;
    }
    if (ret->command && !ret->help && ret->n_operands < ret->command->min)
        return bad(&r, "needs %s", ret->command->operands);
    return true;
}

bool
cli_given(const struct cli_args *args, enum cli_opt opt)
{
    return cli_get_nth(args, opt, 0) != NULL;
}

const char *
cli_get_nth(const struct cli_args *args, enum cli_opt opt, unsigned index)
{
    for (unsigned i = 0; i < args->n_given; i++)
        if (args->given[i].opt == opt && index-- == 0)
            return args->given[i].value;
    return NULL;
}

const char *
cli_get(const struct cli_args *args, enum cli_opt opt)
{
    const char *value = cli_get_nth(args, opt, 0);

    if (!value && table[opt].env)
        value = cli_env(table[opt].env);
    return value;
}
