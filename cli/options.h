/*
 * cli/options.h - commands and options, as tables
 *
 * Parsing, usage errors, --help, the manual page, doc/coco.md and the shell's
 * completion all come from the tables in options.c and commands.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CLI_OPTIONS_H
#define COCO_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cli;

/* A variable of the environment; NULL if it is not set or empty. */
const char *cli_env(const char *name);

/* In the order of the table in options.c. */
enum cli_opt {
    OPT_END = 0,
    OPT_ACCEPT,
    OPT_ADMIN_KEY,
    OPT_ALGORITHM,
    OPT_ALL,
    OPT_ALLOW,
    OPT_ALLOW_UNSIGNED,
    OPT_ANNOTATIONS,
    OPT_API,
    OPT_AS,
    OPT_AT,
    OPT_ATTESTATION,
    OPT_AUDIENCE,
    OPT_AUTHFILE,
    OPT_BUILD,
    OPT_CA,
    OPT_CACHE,
    OPT_CERT_DIR,
    OPT_CMDLINE,
    OPT_COLLATERAL,
    OPT_COLLATERAL_CACHE,
    OPT_COLLATERAL_KEY,
    OPT_CONFIG,
    OPT_CPU,
    OPT_DEV,
    OPT_DIGEST,
    OPT_EDK2,
    OPT_EVIDENCE,
    OPT_EXPECT,
    OPT_EXPIRES,
    OPT_FIRMWARE,
    OPT_FORCE,
    OPT_FORM,
    OPT_FROM,
    OPT_GUEST_FEATURES,
    OPT_IGNORE_CHOWN,
    OPT_INITRD,
    OPT_INIT_DATA,
    OPT_INSECURE_POLICY,
    OPT_INTERVAL,
    OPT_ISSUER,
    OPT_JWKS,
    OPT_KBS,
    OPT_KBS_ADMIN_KEY,
    OPT_KBS_CA,
    OPT_KBS_PATH,
    OPT_KBS_POLICY,
    OPT_KEEP_RECIPIENTS,
    OPT_KEK_PREFIX,
    OPT_KERNEL,
    OPT_KEY,
    OPT_KEY_PREFIX,
    OPT_KEY_PROVIDERS,
    OPT_KEYRING,
    OPT_KID,
    OPT_LAYER,
    OPT_LIFE,
    OPT_LISTEN,
    OPT_MAX_BYTES,
    OPT_MAX_CONTENT,
    OPT_MAX_MEMORY,
    OPT_MAX_RATIO,
    OPT_MEASUREMENT,
    OPT_NO_CHUNKS,
    OPT_NO_PROOF,
    OPT_NO_PROXY,
    OPT_OLD_KEY,
    OPT_OUTPUT,
    OPT_PASSPORT,
    OPT_PASSPORT_OUT,
    OPT_POST,
    OPT_PATH,
    OPT_OVERLAY,
    OPT_OWNER_KEY,
    OPT_PLAIN,
    OPT_PLAIN_HTTP,
    OPT_PLATFORM,
    OPT_POLICY,
    OPT_PROVIDER,
    OPT_PROVIDER_SETTINGS,
    OPT_PROXY,
    OPT_PURGE,
    OPT_RECIPIENT,
    OPT_REFERENCE_VALUES,
    OPT_REGISTRIES_CONF,
    OPT_REGISTRIES_D,
    OPT_REMOVE,
    OPT_REPLACE,
    OPT_REPORT_DATA,
    OPT_REQUIRE_ENCRYPTION,
    OPT_RETRIES,
    OPT_SECRET,
    OPT_ROLE,
    OPT_SEV_ES,
    OPT_SEV_POLICY,
    OPT_SIGNATURE_FORM,
    OPT_SIGNER,
    OPT_SIGN_BY,
    OPT_SIGN_KEY,
    OPT_STALL_TIMEOUT,
    OPT_STATE,
    OPT_STORE,
    OPT_TAMPER,
    OPT_TDX_ORDER,
    OPT_TEE,
    OPT_TLS_CA,
    OPT_TO_VERSION,
    OPT_TRUST_KEY,
    OPT_TRUST_ROOT,
    OPT_VCPUS,
    OPT_VMM,
    OPT_WRAP_KEY,
    /* Those that every command has. */
    OPT_JSON,
    OPT_LOG,
    OPT_HELP,
    OPT_COUNT,
};
#define OPT_FIRST_COMMON OPT_JSON

struct cli_option {
    const char *name;
    char letter;         /* short form, or 0 */
    const char *value;   /* what follows it, in capitals; NULL for a switch */
    const char *choices; /* the words it may be, with spaces between; NULL for any text */
    const char *env;     /* the variable its default comes from, or NULL */
    bool repeated;       /* may be given more than once */
    const char *help;
};

#define CLI_OPTIONS_MAX 32

struct cli_command {
    const char *name;     /* "image pull" */
    const char *operands; /* "REF DIR" */
    unsigned min, max;    /* number of operands */
    const char *purpose;  /* one line */
    const char *details;  /* more, or NULL */
    bool rest;            /* what follows "--" is another command's line */
    bool data;            /* stdout carries the result and no events */
    enum cli_opt options[CLI_OPTIONS_MAX];
    int (*run)(struct cli *cli);
};

/* The table's entry for opt. */
const struct cli_option *cli_option(enum cli_opt opt);
/* Command index, in alphabetical order; NULL past the last. */
const struct cli_command *cli_command(size_t index);

#define CLI_GIVEN_MAX 64
#define CLI_OPERANDS_MAX 32

/* A command line, parsed. All texts are lent by argv and the environment. */
struct cli_args {
    const struct cli_command *command; /* NULL: none, or only half of one */
    const char *group;                 /* "image" of "coco image", or NULL */
    bool help;
    unsigned n_given;
    struct {
        enum cli_opt opt;
        const char *value;
    } given[CLI_GIVEN_MAX];
    unsigned n_operands;
    const char *operands[CLI_OPERANDS_MAX];
    char **rest; /* what follows "--", if the command takes that; a NULL ends it */
};

/* False if the line cannot be understood; problem then says why. */
bool cli_args_parse(int argc, char **argv, struct cli_args *ret, char *problem, size_t size);

/* Value of opt on the command line, else of its variable, else NULL; "" for a switch. */
const char *cli_get(const struct cli_args *args, enum cli_opt opt);
/* Value number index of a repeated option; NULL past the last. */
const char *cli_get_nth(const struct cli_args *args, enum cli_opt opt, unsigned index);
/* Whether opt is on the command line itself. */
bool cli_given(const struct cli_args *args, enum cli_opt opt);

/* help.c */

void cli_help(FILE *out, const struct cli_command *command);
void cli_help_all(FILE *out, const char *group);
void cli_manual_markdown(FILE *out);
void cli_manual_roff(FILE *out);
void cli_manual_bash(FILE *out);

/* The exit codes, for all of the above; name is NULL past the last. */
struct cli_exit_text {
    int code;
    const char *meaning;
};
extern const struct cli_exit_text cli_exit_texts[];

/* commands: one file each */
int cli_attest(struct cli *cli);
int cli_collateral_export(struct cli *cli);
int cli_collateral_import(struct cli *cli);
int cli_collateral_show(struct cli *cli);
int cli_doctor(struct cli *cli);
int cli_evidence_get(struct cli *cli);
int cli_evidence_record(struct cli *cli);
int cli_evidence_replay(struct cli *cli);
int cli_evidence_show(struct cli *cli);
int cli_evidence_verify(struct cli *cli);
int cli_image_decrypt(struct cli *cli);
int cli_image_encrypt(struct cli *cli);
int cli_image_inspect(struct cli *cli);
int cli_image_pull(struct cli *cli);
int cli_image_ls(struct cli *cli);
int cli_image_plan(struct cli *cli);
int cli_image_prune(struct cli *cli);
int cli_image_push(struct cli *cli);
int cli_image_rekey(struct cli *cli);
int cli_image_rm(struct cli *cli);
int cli_image_sign(struct cli *cli);
int cli_image_unmount(struct cli *cli);
int cli_image_verify(struct cli *cli);
int cli_image_verify_store(struct cli *cli);
int cli_initdata_build(struct cli *cli);
int cli_initdata_show(struct cli *cli);
int cli_initdata_verify(struct cli *cli);
int cli_kbs_audit(struct cli *cli);
int cli_kbs_backup(struct cli *cli);
int cli_kbs_reseal(struct cli *cli);
int cli_kbs_restore(struct cli *cli);
int cli_kbs_rotate_keys(struct cli *cli);
int cli_kbs_wrap_key(struct cli *cli);
int cli_kbs_serve(struct cli *cli);
int cli_kbs_token(struct cli *cli);
int cli_manual(struct cli *cli);
int cli_measure(struct cli *cli);
int cli_policy_ls(struct cli *cli);
int cli_policy_rm(struct cli *cli);
int cli_policy_set(struct cli *cli);
int cli_resource_get(struct cli *cli);
int cli_resource_ls(struct cli *cli);
int cli_resource_put(struct cli *cli);
int cli_explain(struct cli *cli);
int cli_resource_restore(struct cli *cli);
int cli_resource_rm(struct cli *cli);
int cli_resource_versions(struct cli *cli);
int cli_resource_watch(struct cli *cli);
int cli_rv_add(struct cli *cli);
int cli_rv_diff(struct cli *cli);
int cli_rv_ls(struct cli *cli);
int cli_rv_put(struct cli *cli);
int cli_rv_rm(struct cli *cli);
int cli_rv_show(struct cli *cli);
int cli_rv_sign(struct cli *cli);
int cli_rv_verify(struct cli *cli);
int cli_secret_inspect(struct cli *cli);
int cli_secret_seal(struct cli *cli);
int cli_secret_unseal(struct cli *cli);
int cli_sev_inject(struct cli *cli);
int cli_sev_prepare(struct cli *cli);
int cli_tee_launch(struct cli *cli);
int cli_tee_run(struct cli *cli);
int cli_token_verify(struct cli *cli);
int cli_try(struct cli *cli);
int cli_version(struct cli *cli);

#endif
