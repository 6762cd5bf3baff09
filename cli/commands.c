/*
 * cli/commands.c - the commands
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "options.h"

static const struct cli_command table[] = {
    {
        .name = "attest",
        .operands = "",
        .purpose = "attest to a key broker and print the token it gives",
        .data = true,
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_TEE,
                    OPT_AUDIENCE, OPT_PASSPORT_OUT},
        .run = cli_attest,
    },
    {
        .name = "collateral export",
        .operands = "[EVIDENCE]...",
        .max = 4,
        .purpose = "write what verifying takes into one signed bundle, for sites without a network",
        .details = "With EVIDENCE, files or - for stdin, it holds what verifying that takes; "
                   "without, all that the sources tell. A source is \"makers\", the services of "
                   "Intel and AMD, https://... of a PCCS, intel=https://... or amd=https://... "
                   "for one maker alone, a directory, a bundle, or a kds-store or collaterals file "
                   "of Trustee's. Several are asked one after the other.",
        .data = true,
        .options = {OPT_COLLATERAL, OPT_COLLATERAL_KEY, OPT_COLLATERAL_CACHE, OPT_TLS_CA, OPT_PROXY,
                    OPT_NO_PROXY, OPT_SIGN_KEY, OPT_TEE, OPT_OUTPUT},
        .run = cli_collateral_export,
    },
    {
        .name = "collateral import",
        .operands = "SOURCE DIR",
        .min = 2,
        .max = 2,
        .purpose = "write what a source has to files beneath DIR",
        .details = "A bundle must be signed by --collateral-key. SOURCE is as in \"collateral "
                   "export\"; DIR is made if it is missing, and is a source itself.",
        .options = {OPT_COLLATERAL_KEY},
        .run = cli_collateral_import,
    },
    {
        .name = "collateral show",
        .operands = "SOURCE",
        .min = 1,
        .max = 1,
        .purpose = "list what a source has, when it was fetched and when it expires",
        .details = "What has expired, or is not what its name says, is an error (4). SOURCE is as "
                   "in \"collateral export\".",
        .data = true,
        .options = {OPT_COLLATERAL_KEY, OPT_AT},
        .run = cli_collateral_show,
    },
    {
        .name = "doctor",
        .operands = "",
        .purpose = "check what this machine can do, and say how to get the rest",
        .details = "Each check is ok or not ok; behind the latter stands the remedy. With --kbs it "
                   "attests to that broker, too.",
        .data = true,
        .options = {OPT_KBS, OPT_KBS_CA, OPT_TEE},
        .run = cli_doctor,
    },
    {
        .name = "evidence get",
        .operands = "",
        .purpose = "print evidence of this machine as it goes over the wire",
        .data = true,
        .options = {OPT_REPORT_DATA, OPT_TEE},
        .run = cli_evidence_get,
    },
    {
        .name = "evidence record",
        .operands = "[FILE]",
        .max = 1,
        .purpose = "verify evidence and keep all that it took in one file",
        .details = "The record holds the evidence, what it had to be bound to, the time, the "
                   "collateral and what it came to, whatever that is.",
        .data = true,
        .options = {OPT_REPORT_DATA, OPT_INIT_DATA, OPT_TEE, OPT_AT, OPT_COLLATERAL,
                    OPT_COLLATERAL_KEY, OPT_COLLATERAL_CACHE, OPT_TLS_CA, OPT_PROXY, OPT_NO_PROXY,
                    OPT_TRUST_ROOT, OPT_TRUST_KEY, OPT_ALLOW, OPT_OUTPUT},
        .run = cli_evidence_record,
    },
    {
        .name = "evidence replay",
        .operands = "RECORD",
        .min = 1,
        .max = 1,
        .purpose = "verify again what was recorded, as of then",
        .details = "Nothing in RECORD is trusted: roots, keys and what is allowed are said again. "
                   "Another verdict than that of then, or evidence that does not hold, is an error "
                   "(4).",
        .data = true,
        .options = {OPT_TRUST_ROOT, OPT_TRUST_KEY, OPT_ALLOW},
        .run = cli_evidence_replay,
    },
    {
        .name = "evidence show",
        .operands = "[FILE]",
        .max = 1,
        .purpose = "show what evidence in FILE, or from stdin, claims and whether it holds",
        .details = "Without --tee every kind is tried. With --report-data it is verified to be "
                   "bound to those bytes, and evidence that does not hold is an error (4). "
                   "Software evidence is trusted if its root is that of COCO_SOFTWARE_TEE, "
                   "sample evidence only with --tee sample.",
        .data = true,
        .options = {OPT_REPORT_DATA, OPT_TEE, OPT_COLLATERAL, OPT_COLLATERAL_KEY,
                    OPT_COLLATERAL_CACHE, OPT_TLS_CA, OPT_PROXY, OPT_NO_PROXY},
        .run = cli_evidence_show,
    },
    {
        .name = "evidence verify",
        .operands = "[FILE]",
        .max = 1,
        .purpose = "verify evidence in FILE, or from stdin, and say of each check what it came to",
        .details = "Evidence that does not hold is an error (4), and without --report-data none "
                   "does: nobody has said what it must be bound to. Without --tee every kind is "
                   "tried. Software evidence is trusted if its root is that of COCO_SOFTWARE_TEE, "
                   "sample evidence only with --tee sample. With --reference-values claims must "
                   "be among these, and where they are not, the nearest is told. Sources of "
                   "--collateral are as in \"collateral export\".",
        .data = true,
        .options = {OPT_REPORT_DATA, OPT_INIT_DATA, OPT_TEE, OPT_REFERENCE_VALUES, OPT_AT,
                    OPT_COLLATERAL, OPT_COLLATERAL_KEY, OPT_COLLATERAL_CACHE, OPT_TLS_CA, OPT_PROXY,
                    OPT_NO_PROXY, OPT_TRUST_ROOT, OPT_TRUST_KEY, OPT_ALLOW},
        .run = cli_evidence_verify,
    },
    {
        .name = "explain",
        .operands = "ID",
        .min = 1,
        .max = 1,
        .purpose = "say why a broker refused a guest, as its owner",
        .details = "ID is what the guest was told. Shows the checks of the evidence that do not "
                   "hold, or the rule of the policy that decided and the reference values that the "
                   "claims were compared with; --json has the claims, too. A broker remembers "
                   "some hundreds of refusals, see [explain] in doc/coco-kbs.md.",
        .data = true,
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_KBS_ADMIN_KEY},
        .run = cli_explain,
    },
    {
        .name = "image decrypt",
        .operands = "SRC DST",
        .min = 2,
        .max = 2,
        .purpose = "copy the image SRC to DST with its layers decrypted",
        .details = "DST appears when every layer was authenticated, or not at all. With --kbs keys "
                   "are asked for as a guest does. SRC and DST are REFs as in \"image pull\".",
        .options = {OPT_KEY, OPT_KEY_PROVIDERS, OPT_KBS, OPT_KBS_CA, OPT_TEE, OPT_PLAIN_HTTP,
                    OPT_TLS_CA, OPT_CERT_DIR, OPT_PROXY, OPT_NO_PROXY, OPT_AUTHFILE,
                    OPT_REGISTRIES_CONF, OPT_ALL, OPT_PLATFORM, OPT_MAX_BYTES, OPT_RETRIES,
                    OPT_STALL_TIMEOUT},
        .run = cli_image_decrypt,
    },
    {
        .name = "image encrypt",
        .operands = "SRC DST",
        .min = 2,
        .max = 2,
        .purpose = "copy the image SRC to DST with its layers encrypted",
        .details = "With --kbs a fresh random key is stored at the broker first, as --kbs-path or "
                   "kbs:///default/image-kek/UUID, and whoever obtains it, by its --kbs-policy or "
                   "the broker's, can open the image; with --recipient whoever holds the private "
                   "key can. Then DST is read again: every "
                   "layer must be encrypted and open by its key, and by --key, if that is one of "
                   "the recipients'. SRC and DST are REFs as in \"image pull\".",
        .options = {OPT_RECIPIENT,     OPT_KEYRING,   OPT_LAYER,           OPT_KEY,
                    OPT_NO_CHUNKS,     OPT_NO_PROOF,  OPT_KEY_PROVIDERS,   OPT_KBS,
                    OPT_KBS_ADMIN_KEY, OPT_KBS_PATH,  OPT_KBS_POLICY,      OPT_KBS_CA,
                    OPT_PLAIN_HTTP,    OPT_TLS_CA,    OPT_CERT_DIR,        OPT_PROXY,
                    OPT_NO_PROXY,      OPT_AUTHFILE,  OPT_REGISTRIES_CONF, OPT_ALL,
                    OPT_PLATFORM,      OPT_MAX_BYTES, OPT_RETRIES,         OPT_STALL_TIMEOUT},
        .run = cli_image_encrypt,
    },
    {
        .name = "image inspect",
        .operands = "REF",
        .min = 1,
        .max = 1,
        .purpose = "describe an image without pulling its layers",
        .data = true,
        .options = {OPT_PLAIN_HTTP, OPT_TLS_CA, OPT_CERT_DIR, OPT_PROXY, OPT_NO_PROXY, OPT_AUTHFILE,
                    OPT_REGISTRIES_CONF, OPT_KBS, OPT_KBS_CA, OPT_TEE, OPT_PLATFORM, OPT_RETRIES,
                    OPT_STALL_TIMEOUT},
        .run = cli_image_inspect,
    },
    {
        .name = "image ls",
        .operands = "",
        .purpose = "list the images in a store",
        .details = "A digest a line, and the references it was pulled by; with --json also their "
                   "layers, and the bundles that lie over them.",
        .data = true,
        .options = {OPT_STORE},
        .run = cli_image_ls,
    },
    {
        .name = "image plan",
        .operands = "REF",
        .min = 1,
        .max = 1,
        .purpose = "tell what pulling an image would take: bytes to fetch, disk, memory",
        .details = "Looks at a few bytes of each layer, which nobody has verified: sizes on disk "
                   "are estimates. With --store, layers that are there are not counted to be "
                   "fetched.",
        .data = true,
        .options = {OPT_STORE, OPT_PLATFORM, OPT_PLAIN_HTTP, OPT_TLS_CA, OPT_CERT_DIR, OPT_PROXY,
                    OPT_NO_PROXY, OPT_CACHE, OPT_AUTHFILE, OPT_REGISTRIES_CONF, OPT_MAX_BYTES,
                    OPT_MAX_CONTENT, OPT_MAX_MEMORY, OPT_RETRIES, OPT_STALL_TIMEOUT},
        .run = cli_image_plan,
    },
    {
        .name = "image prune",
        .operands = "",
        .purpose = "remove layers from a store that no image and no bundle has",
        .details = "Waits until no pull is using the store.",
        .options = {OPT_STORE},
        .run = cli_image_prune,
    },
    {
        .name = "image pull",
        .operands = "REF DIR",
        .min = 2,
        .max = 2,
        .purpose = "pull, verify, decrypt and unpack an image into the OCI bundle DIR",
        .details = "REF is a registry name (docker:// in front is fine), oci:PATH[:TAG] for an OCI "
                   "layout, oci-archive:PATH[:TAG] for one in a tar file, "
                   "docker-archive:PATH[:NAME|:@N] for what docker save writes or dir:PATH for one "
                   "image in a directory. DIR must not exist or be empty; it gets rootfs and "
                   "config.json when everything was verified, or nothing. Without a policy only a "
                   "REF with a digest is pulled, unless --insecure-policy accept-anything is "
                   "spelled out. What only root can do is an error for others, but for "
                   "--ignore-chown: files are the caller's then, without setuid and setgid bits, "
                   "and devices are empty files.",
        .options = {OPT_KEY,
                    OPT_KEY_PROVIDERS,
                    OPT_KBS,
                    OPT_KBS_CA,
                    OPT_TEE,
                    OPT_POLICY,
                    OPT_INSECURE_POLICY,
                    OPT_REGISTRIES_D,
                    OPT_REQUIRE_ENCRYPTION,
                    OPT_KEK_PREFIX,
                    OPT_PLATFORM,
                    OPT_PLAIN_HTTP,
                    OPT_TLS_CA,
                    OPT_CERT_DIR,
                    OPT_PROXY,
                    OPT_NO_PROXY,
                    OPT_CACHE,
                    OPT_AUTHFILE,
                    OPT_REGISTRIES_CONF,
                    OPT_MAX_BYTES,
                    OPT_MAX_CONTENT,
                    OPT_MAX_MEMORY,
                    OPT_MAX_RATIO,
                    OPT_RETRIES,
                    OPT_STALL_TIMEOUT,
                    OPT_IGNORE_CHOWN,
                    OPT_STORE,
                    OPT_OVERLAY},
        .run = cli_image_pull,
    },
    {
        .name = "image push",
        .operands = "SRC DST",
        .min = 2,
        .max = 2,
        .purpose = "copy the image SRC to DST as it is",
        .details = "Encrypted layers stay encrypted; blobs that are there are not sent again. SRC "
                   "and DST are what image pull calls REF.",
        .options = {OPT_PLAIN_HTTP, OPT_TLS_CA, OPT_CERT_DIR, OPT_PROXY, OPT_NO_PROXY, OPT_AUTHFILE,
                    OPT_REGISTRIES_CONF, OPT_KBS, OPT_KBS_CA, OPT_TEE, OPT_PLATFORM, OPT_MAX_BYTES,
                    OPT_RETRIES, OPT_STALL_TIMEOUT},
        .run = cli_image_push,
    },
    {
        .name = "image rekey",
        .operands = "SRC DST",
        .min = 2,
        .max = 2,
        .purpose = "copy the encrypted image SRC to DST for other recipients",
        .details = "Layers and their keys stay what they are; for whom the keys are wrapped is "
                   "made anew. Who is left out can still open what they kept of SRC: to lock them "
                   "out, decrypt and encrypt again. SRC is opened by --key, or with --kbs as a "
                   "guest does; with --kbs-path the broker keeps a fresh key instead, and who gets "
                   "it is one of the recipients. SRC and DST are REFs as in \"image pull\", and "
                   "may be the same.",
        .options = {OPT_KEY,
                    OPT_KEY_PROVIDERS,
                    OPT_RECIPIENT,
                    OPT_KEYRING,
                    OPT_KEEP_RECIPIENTS,
                    OPT_KBS,
                    OPT_KBS_ADMIN_KEY,
                    OPT_KBS_PATH,
                    OPT_KBS_POLICY,
                    OPT_KBS_CA,
                    OPT_TEE,
                    OPT_PLAIN_HTTP,
                    OPT_TLS_CA,
                    OPT_CERT_DIR,
                    OPT_PROXY,
                    OPT_NO_PROXY,
                    OPT_AUTHFILE,
                    OPT_REGISTRIES_CONF,
                    OPT_ALL,
                    OPT_PLATFORM,
                    OPT_MAX_BYTES,
                    OPT_RETRIES,
                    OPT_STALL_TIMEOUT},
        .run = cli_image_rekey,
    },
    {
        .name = "image rm",
        .operands = "IMAGE",
        .min = 1,
        .max = 1,
        .purpose = "forget an image in a store",
        .details = "IMAGE is a digest or a reference as \"image ls\" has them. Its layers go with "
                   "the next \"image prune\", unless others have them, too.",
        .options = {OPT_STORE},
        .run = cli_image_rm,
    },
    {
        .name = "image sign",
        .operands = "REF",
        .min = 1,
        .max = 1,
        .purpose = "sign an image in a registry as cosign does, or by OpenPGP",
        .details =
            "The signature is put beside the image, as one more of the tag sha256-HEX.sig, or as "
            "what --signature-form says; cosign, podman and guests verify it with the public half "
            "of --sign-key. Of those forms podman reads the tag alone, and cosign 3 makes bundles, "
            "which alone sign in an OCI layout, too. "
            "What is "
            "signed is the digest that REF means now, of a multi-platform image all of it. "
            "REF is as in \"image pull\", in a registry. The key may be cosign's own, or another "
            "under a password, --sign-key FILE:PASSWORD as in \"image pull --key\" or "
            "$COSIGN_PASSWORD; or it may stay in a token of PKCS#11: "
            "--sign-key is then its URI, pkcs11:…, with the PIN in a file, or a key file as "
            "ocicrypt's tools have it. With secret keys of OpenPGP, as gpg --export-secret-keys "
            "gives them, it signs as skopeo does instead: into the lookaside-staging that "
            "--registries-d has for REF, a file:// that is then put where it is read.",
        .options = {OPT_SIGN_KEY, OPT_SIGN_BY, OPT_SIGNATURE_FORM, OPT_REGISTRIES_D, OPT_PLAIN_HTTP,
                    OPT_TLS_CA, OPT_CERT_DIR, OPT_PROXY, OPT_NO_PROXY, OPT_AUTHFILE,
                    OPT_REGISTRIES_CONF, OPT_KBS, OPT_KBS_CA, OPT_TEE, OPT_RETRIES,
                    OPT_STALL_TIMEOUT},
        .run = cli_image_sign,
    },
    {
        .name = "image unmount",
        .operands = "DIR",
        .min = 1,
        .max = 1,
        .purpose = "remove the bundle DIR that was pulled with --overlay",
        .details = "What was written to it goes, too. An error while something runs in it.",
        .options = {OPT_STORE},
        .run = cli_image_unmount,
    },
    {
        .name = "image verify",
        .operands = "REF",
        .min = 1,
        .max = 1,
        .purpose = "tell whether a policy accepts an image, and what was checked",
        .details = "Nothing is pulled but signatures. An image that is refused is an error (3). "
                   "Without --policy only a REF with a digest is accepted, as by \"image pull\". "
                   "REF is as in \"image pull\"; keys that the policy names as kbs:///... are "
                   "asked for with --kbs.",
        .data = true,
        .options = {OPT_POLICY, OPT_INSECURE_POLICY, OPT_REGISTRIES_D, OPT_KBS, OPT_KBS_CA, OPT_TEE,
                    OPT_PLATFORM, OPT_PLAIN_HTTP, OPT_TLS_CA, OPT_CERT_DIR, OPT_PROXY, OPT_NO_PROXY,
                    OPT_CACHE, OPT_AUTHFILE, OPT_REGISTRIES_CONF, OPT_RETRIES, OPT_STALL_TIMEOUT},
        .run = cli_image_verify,
    },
    {
        .name = "image verify-store",
        .operands = "",
        .purpose = "look whether all files of a store are as they were unpacked",
        .details = "Files that are not are an error (4).",
        .options = {OPT_STORE},
        .run = cli_image_verify_store,
    },
    {
        .name = "initdata build",
        .operands = "[NAME=]FILE...",
        .min = 1,
        .max = CLI_OPERANDS_MAX,
        .purpose = "make a document of init data: what a host passes to a guest at its start",
        .details =
            "Each FILE is a text of the document, by its own name or NAME: aa.toml, cdh.toml "
            "and policy.rego are those that guests look for. With --json it is told what "
            "evidence of each TEE then has, and the document as Kata's annotation "
            "io.katacontainers.config.hypervisor.cc_init_data holds it.",
        .data = true,
        .options = {OPT_ALGORITHM, OPT_OUTPUT},
        .run = cli_initdata_build,
    },
    {
        .name = "initdata show",
        .operands = "[FILE]",
        .max = 1,
        .purpose = "show the texts in a document, and what evidence of each TEE has of it",
        .details = "FILE, or stdin, is TOML or what Kata's annotation holds.",
        .data = true,
        .options = {OPT_END},
        .run = cli_initdata_show,
    },
    {
        .name = "initdata verify",
        .operands = "FILE",
        .min = 1,
        .max = 1,
        .purpose = "check that a machine was started with the document FILE",
        .details = "Against --measurement, whose origin you trust, for the TEE --tee, or against "
                   "--evidence, which must hold as in \"evidence show\". Other init data is an "
                   "error (4).",
        .data = true,
        .options = {OPT_MEASUREMENT, OPT_EVIDENCE, OPT_REPORT_DATA, OPT_TEE, OPT_AT, OPT_COLLATERAL,
                    OPT_COLLATERAL_KEY, OPT_COLLATERAL_CACHE, OPT_TLS_CA, OPT_PROXY, OPT_NO_PROXY,
                    OPT_TRUST_ROOT, OPT_TRUST_KEY, OPT_ALLOW},
        .run = cli_initdata_verify,
    },
    {
        .name = "kbs audit",
        .operands = "verify FILE",
        .min = 2,
        .max = 2,
        .purpose = "verify the audit log that a key broker service wrote",
        .details = "Says how many entries there are, and of when. With --owner-key, the public key "
                   "that the service signs its tokens with, nobody else can have written what is "
                   "before its last checkpoint, the entry numbered signed_to; without, it is only "
                   "known that the entries follow each other. What was cut off behind the last "
                   "checkpoint is not seen: note the head elsewhere.",
        .options = {OPT_OWNER_KEY},
        .run = cli_kbs_audit,
    },
    {
        .name = "kbs backup",
        .operands = "FILE",
        .min = 1,
        .max = 1,
        .purpose = "write all that a key broker service keeps to FILE, while it serves",
        .details = "The configuration says which database. FILE must not be there, is as the "
                   "database is at one moment, and appears whole or not at all. What is sealed "
                   "there ([storage_backend.seal]) stays sealed in FILE: keep the key elsewhere, "
                   "and note the SHA-256. A store that is not sealed is refused without --plain.",
        .data = true,
        .options = {OPT_CONFIG, OPT_PLAIN},
        .run = cli_kbs_backup,
    },
    {
        .name = "kbs reseal",
        .operands = "",
        .purpose = "seal the database of a key broker service with another key",
        .details = "The configuration says which database, and the key that it is sealed with from "
                   "now on ([storage_backend.seal]), or none. All of it is sealed anew, or nothing "
                   "is changed. A key comes from: openssl rand -out FILE 32.",
        .options = {OPT_CONFIG, OPT_OLD_KEY},
        .run = cli_kbs_reseal,
    },
    {
        .name = "kbs restore",
        .operands = "FILE",
        .min = 1,
        .max = 1,
        .purpose = "put a backup of a key broker service into its database, or another one",
        .details = "The configuration says which database, of SQLite or PostgreSQL whatever it was "
                   "before, and the key that FILE is sealed with. Stop the service first. All of "
                   "FILE is restored, or nothing is changed; a store that is not empty is refused "
                   "without --force, and a FILE that was changed always (4).",
        .data = true,
        .options = {OPT_CONFIG, OPT_EXPECT, OPT_FORCE},
        .run = cli_kbs_restore,
    },
    {
        .name = "kbs rotate-keys",
        .operands = "",
        .purpose = "have a broker make new keys for tokens and sessions, as its owner",
        .details = "Prints the id of the key that signs tokens from then on. Replicas follow, and "
                   "what the keys before have made stays good, so that no guest notices. What "
                   "values are sealed with is another matter: \"kbs reseal\".",
        .data = true,
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_KBS_ADMIN_KEY},
        .run = cli_kbs_rotate_keys,
    },
    {
        .name = "kbs serve",
        .operands = "",
        .purpose = "serve keys until interrupted",
        .details = "Prints the address when it serves. --listen takes the place of the sockets of "
                   "the configuration, doc/coco-kbs.md explains all its keys. Without one the KBS "
                   "is in memory; whoever signs with the private half of --admin-key may "
                   "administer it. Such a pair comes from: openssl genpkey -algorithm ed25519 "
                   "-out admin.pem; openssl pkey -in admin.pem -pubout -out admin.pub.",
        .options = {OPT_CONFIG, OPT_DEV, OPT_LISTEN, OPT_ADMIN_KEY},
        .run = cli_kbs_serve,
    },
    {
        .name = "kbs token",
        .operands = "",
        .purpose = "make a token for the admin page of a key broker service",
        .details = "It is signed with --kbs-admin-key, and whoever has it may do what its role "
                   "may, until it ends. No broker is asked. The page is at /admin/, see "
                   "[admin_page] in doc/coco-kbs.md.",
        .data = true,
        .options = {OPT_KBS_ADMIN_KEY, OPT_ROLE, OPT_LIFE},
        .run = cli_kbs_token,
    },
    {
        .name = "kbs wrap-key",
        .operands = "[KEY]",
        .max = 1,
        .purpose = "wrap the key that a database is sealed with by a token of PKCS#11 or a TPM",
        .details =
            "The configuration says by which ([storage_backend.seal] pkcs11 and pkcs11_key, or tpm "
            "and tpm_pcrs); "
            "the file is for its key_file. Without KEY, a file or - for stdin, it is a new "
            "one. A database that is sealed with KEY is so still, and KEY itself is of no "
            "more use.",
        .options = {OPT_CONFIG, OPT_OUTPUT},
        .run = cli_kbs_wrap_key,
    },
    {
        .name = "manual",
        .operands = "FORMAT",
        .min = 1,
        .max = 1,
        .purpose = "print this manual for man, as markdown, or as completion for bash",
        .details = "FORMAT is man, markdown or bash. In ~/.bashrc: source <(coco manual bash)",
        .data = true,
        .options = {OPT_END},
        .run = cli_manual,
    },
    {
        .name = "measure",
        .operands = "",
        .purpose = "compute ahead of boot what a guest's evidence will have: reference values",
        .details = "--tee is snp, sev, tdx, tpm or software. SNP needs --firmware and, unless "
                   "--vmm is ec2 "
                   "or gce, --cpu; TDX --firmware, --kernel or both, a TPM --kernel. Each value "
                   "says what it "
                   "takes for granted. What depends on more than these files, such as RTMR 0 and "
                   "PCR 7, is "
                   "not known, and says why. Names are those that Trustee's policies ask for.",
        .data = true,
        .options = {OPT_TEE, OPT_FIRMWARE, OPT_KERNEL, OPT_INITRD, OPT_CMDLINE, OPT_VCPUS, OPT_CPU,
                    OPT_GUEST_FEATURES, OPT_SEV_ES, OPT_VMM, OPT_TDX_ORDER, OPT_EDK2, OPT_FORM,
                    OPT_OUTPUT},
        .run = cli_measure,
    },
    {
        .name = "policy ls",
        .operands = "",
        .purpose = "list a broker's policies about resources, as its owner",
        .data = true,
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_KBS_ADMIN_KEY},
        .run = cli_policy_ls,
    },
    {
        .name = "policy rm",
        .operands = "REPO[/TYPE[/TAG]]",
        .min = 1,
        .max = 1,
        .purpose = "remove the policy of some of a broker's resources, as its owner",
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_KBS_ADMIN_KEY},
        .run = cli_policy_rm,
    },
    {
        .name = "policy set",
        .operands = "[FILE]",
        .max = 1,
        .purpose = "set a policy of a broker to FILE, or stdin, as its owner",
        .details =
            "Rego, of package policy. Without options it decides about all resources that no "
            "policy of a path is for, by the rule allow; an attestation policy has the rule "
            "trust_claims. doc/coco-kbs.md says what they see.",
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_KBS_ADMIN_KEY,
                    OPT_PATH, OPT_ATTESTATION},
        .run = cli_policy_set,
    },
    {
        .name = "resource get",
        .operands = "kbs[+PLUGIN]:///PATH",
        .min = 1,
        .max = 1,
        .purpose = "attest to a key broker and write a resource, or what one of its plug-ins says",
        .data = true,
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_TEE,
                    OPT_PASSPORT, OPT_OUTPUT, OPT_POST},
        .run = cli_resource_get,
    },
    {
        .name = "resource ls",
        .operands = "",
        .purpose = "list the names of a broker's resources, as its owner",
        .data = true,
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_KBS_ADMIN_KEY},
        .run = cli_resource_ls,
    },
    {
        .name = "resource put",
        .operands = "REPO/TYPE/TAG [FILE]",
        .min = 1,
        .max = 2,
        .purpose = "store FILE, or stdin, as a resource of a broker, as its owner",
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_KBS_ADMIN_KEY},
        .run = cli_resource_put,
    },
    {
        .name = "resource restore",
        .operands = "REPO/TYPE/TAG",
        .min = 1,
        .max = 1,
        .purpose = "put a version of a broker's resource again, as its owner",
        .details = "The version that it has now is the result. coco-kbs keeps versions; upstream's "
                   "KBS does not.",
        .data = true,
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_KBS_ADMIN_KEY,
                    OPT_TO_VERSION},
        .run = cli_resource_restore,
    },
    {
        .name = "resource rm",
        .operands = "REPO/TYPE/TAG",
        .min = 1,
        .max = 1,
        .purpose = "delete a resource of a broker, as its owner",
        .details = "coco-kbs can restore it unless it is purged.",
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_KBS_ADMIN_KEY,
                    OPT_PURGE},
        .run = cli_resource_rm,
    },
    {
        .name = "resource versions",
        .operands = "REPO/TYPE/TAG",
        .min = 1,
        .max = 1,
        .purpose = "list the versions of a broker's resource, as its owner",
        .details = "The newest first, with its time and size; never the content.",
        .data = true,
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_KBS_ADMIN_KEY},
        .run = cli_resource_versions,
    },
    {
        .name = "resource watch",
        .operands = "kbs:///REPO/TYPE/TAG",
        .min = 1,
        .max = 1,
        .purpose = "keep a file that holds a resource as the broker has it, until interrupted",
        .details =
            "The file of --output is replaced as a whole whenever the resource is another. While "
            "the broker cannot be reached it stays as it is, as long as the lease lasts that the "
            "broker may have given; when that is over, the broker refuses, or the resource is "
            "gone, "
            "the watch ends with that. The file stays unless --remove says otherwise.",
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_TEE,
                    OPT_PASSPORT, OPT_OUTPUT, OPT_INTERVAL, OPT_REMOVE},
        .run = cli_resource_watch,
    },
    {
        .name = "rv add",
        .operands = "FILE [NAME=TEXT|NAME:=JSON]...",
        .min = 1,
        .max = CLI_OPERANDS_MAX,
        .purpose = "add reference values to FILE, which is made if it is missing",
        .details =
            "FILE is an array of what Trustee's RVPS keeps of a value: name, expiration, value. "
            "NAME=TEXT adds TEXT to the list of what is accepted as NAME; NAME:=JSON is any value, "
            "whose items are added if both are lists. --from reads any form that \"rv show\" "
            "writes, "
            "and what \"measure --json\" prints; with --owner-key it must be signed by that key. "
            "FILE is changed whole or not at all.",
        .options = {OPT_FROM, OPT_EXPIRES, OPT_REPLACE, OPT_OWNER_KEY},
        .run = cli_rv_add,
    },
    {
        .name = "rv diff",
        .operands = "FILE OTHER",
        .min = 2,
        .max = 2,
        .purpose = "tell how reference values differ from others, or from what evidence has",
        .details =
            "OTHER is a file of values, or what \"evidence verify --json\" prints; then each value "
            "is "
            "compared with the claim that Trustee's policy compares it with, and claims that the "
            "policy has a value asked for and there is none are named. Other values are an error "
            "(1), other claims are one (4).",
        .data = true,
        .options = {OPT_OWNER_KEY},
        .run = cli_rv_diff,
    },
    {
        .name = "rv ls",
        .operands = "",
        .purpose = "list the reference values that a broker has, as its owner",
        .details = "Since when, and until when: what has ended does not count any more. Trustee's "
                   "KBS does not list them (7).",
        .data = true,
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_KBS_ADMIN_KEY},
        .run = cli_rv_ls,
    },
    {
        .name = "rv put",
        .operands = "FILE",
        .min = 1,
        .max = 1,
        .purpose = "register the reference values in FILE at a broker, as its owner",
        .details =
            "What \"rv sign\" made goes as it is, for a broker that has its key; our own and "
            "Trustee's take any other form. Values stay there until they are replaced; on our own "
            "broker they count until they end.",
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_KBS_ADMIN_KEY},
        .run = cli_rv_put,
    },
    {
        .name = "rv rm",
        .operands = "FILE NAME...",
        .min = 2,
        .max = CLI_OPERANDS_MAX,
        .purpose = "remove reference values from FILE",
        .options = {OPT_END},
        .run = cli_rv_rm,
    },
    {
        .name = "rv show",
        .operands = "FILE",
        .min = 1,
        .max = 1,
        .purpose = "show reference values, or write them in another form",
        .details = "With --owner-key, what that key did not sign is an error (4).",
        .data = true,
        .options = {OPT_FORM, OPT_OUTPUT, OPT_OWNER_KEY},
        .run = cli_rv_show,
    },
    {
        .name = "rv sign",
        .operands = "FILE",
        .min = 1,
        .max = 1,
        .purpose = "make a signed manifest (CoRIM in COSE) of the reference values in FILE",
        .details =
            "It ends with the value that ends first. Keys are P-256, P-384, P-521 or Ed25519.",
        .data = true,
        .options = {OPT_SIGN_KEY, OPT_SIGNER, OPT_OUTPUT},
        .run = cli_rv_sign,
    },
    {
        .name = "rv verify",
        .operands = "FILE",
        .min = 1,
        .max = 1,
        .purpose = "check that FILE is signed by its owner and good now; write what is in it",
        .details = "What is not signed by --owner-key, or has ended, is an error (4).",
        .data = true,
        .options = {OPT_OWNER_KEY, OPT_AT, OPT_FORM, OPT_OUTPUT},
        .run = cli_rv_verify,
    },
    {
        .name = "secret inspect",
        .operands = "[FILE]",
        .max = 1,
        .purpose = "tell what is in a sealed secret, without verifying anything",
        .data = true,
        .options = {OPT_END},
        .run = cli_secret_inspect,
    },
    {
        .name = "secret seal",
        .operands = "NAME|FILE",
        .max = 1,
        .purpose = "make a sealed secret, which may travel with what needs it",
        .details =
            "NAME is that of a secret which is at the provider, kbs:///REPO/TYPE/TAG at a broker "
            "unless --provider says another. With --wrap-key the content of FILE, or stdin, is in "
            "an envelope, whose key that of the provider encrypts. The key --sign-key is one on "
            "P-256: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out owner.pem; "
            "openssl pkey -in owner.pem -pubout makes its public half, for --kid.",
        .data = true,
        .options = {OPT_KID, OPT_SIGN_KEY, OPT_PROVIDER, OPT_WRAP_KEY, OPT_PROVIDER_SETTINGS,
                    OPT_ANNOTATIONS, OPT_TLS_CA, OPT_OUTPUT},
        .run = cli_secret_seal,
    },
    {
        .name = "secret unseal",
        .operands = "[FILE]",
        .max = 1,
        .purpose = "verify a sealed secret, and write what it is of to stdout or a file",
        .details =
            "The broker of --kbs is the provider kbs, and has the keys that are called "
            "kbs:///REPO/TYPE/TAG; --provider sets up others. With --owner-key it must be signed "
            "by that key. A signature that does not hold is an error (4), none is one (3).",
        .data = true,
        .options = {OPT_KBS, OPT_KBS_CA, OPT_PROXY, OPT_NO_PROXY, OPT_RETRIES, OPT_TEE,
                    OPT_PASSPORT, OPT_PROVIDER, OPT_TLS_CA, OPT_OWNER_KEY, OPT_KEY_PREFIX,
                    OPT_ALLOW_UNSIGNED, OPT_OUTPUT},
        .run = cli_secret_unseal,
    },
    {
        .name = "sev inject",
        .operands = "DIR MEASUREMENT",
        .min = 2,
        .max = 2,
        .purpose = "check what was launched, and make a packet of secrets for it",
        .details =
            "DIR is that of \"sev prepare\", MEASUREMENT what QEMU answers to "
            "query-sev-launch-measure, in base64. If it is not of the guest with --digest, this "
            "policy and this firmware, that is an error (4). DIR then has packet-header.b64 and "
            "packet-secret.b64, which sev-inject-launch-secret takes.",
        .options = {OPT_DIGEST, OPT_API, OPT_BUILD, OPT_SECRET},
        .run = cli_sev_inject,
    },
    {
        .name = "sev prepare",
        .operands = "CHAIN DIR",
        .min = 2,
        .max = 2,
        .purpose = "begin a launch on SEV or SEV-ES, as the owner of the guest",
        .details =
            "CHAIN has the platform's certificates, as \"sevctl export --full\" writes them; one "
            "that is none of AMD's is an error (4). DIR, which is made, then has godh.b64 and "
            "session.b64 for QEMU's dh-cert-file and session-file, and launch.json, which is "
            "secret: who has it reads what the guest is given.",
        .options = {OPT_SEV_POLICY, OPT_TRUST_ROOT, OPT_ALLOW, OPT_COLLATERAL, OPT_COLLATERAL_CACHE,
                    OPT_COLLATERAL_KEY},
        .run = cli_sev_prepare,
    },
    {
        .name = "tee launch",
        .operands = "DIR [FILE]",
        .min = 1,
        .max = 2,
        .purpose = "make DIR a software TEE that booted FILE, or nothing; for development",
        .details = "With COCO_SOFTWARE_TEE=DIR this machine then attests as that TEE. Launching "
                   "again with another FILE changes its measurement and keeps its keys. "
                   "--init-data is a file here, such as a document by sha384.",
        .options = {OPT_INIT_DATA},
        .run = cli_tee_launch,
    },
    {
        .name = "tee run",
        .operands = "-- COMMAND [ARGUMENT]...",
        .rest = true,
        .purpose = "run a command in a TEE of software, which attests as one of hardware",
        .details =
            "The command finds the kernel's files for a TEE below $COCO_TEE_ROOT, which this "
            "library looks at: quotes and reports have the form of hardware's, and what was "
            "launched is measured as there: the kernel is a program of UEFI, as Linux is, and "
            "firmware an image as OVMF's; without --firmware the machine has one. A machine with a "
            "TPM has swtpm, which $COCO_TPM_TCTI names. The keys are those of a maker who is "
            "nobody: DIR/roots has the fingerprint of its root, for --trust-root, DIR/collateral "
            "what else a verifier needs, for --collateral, and DIR/keys the key of a TPM, for "
            "--trust-key. --init-data is a document, in a file. For development. Needs FUSE and "
            "the "
            "program coco-tee.",
        .options = {OPT_AS, OPT_STATE, OPT_FIRMWARE, OPT_KERNEL, OPT_INITRD, OPT_CMDLINE, OPT_VCPUS,
                    OPT_INIT_DATA},
        .run = cli_tee_run,
    },
    {
        .name = "token verify",
        .operands = "[FILE]",
        .max = 1,
        .purpose = "tell whether an attestation token in FILE, or from stdin, may be relied on",
        .details = "For third parties, to whom a guest shows what \"coco attest --audience\" gave "
                   "it. A token that is for somebody is good for --audience "
                   "alone; a guest that did not come out as --accept says is refused (exit code "
                   "3), and so is all that is not signed by whom --jwks, --ca or --issuer trust "
                   "(4). With --json all its claims are written.",
        .options = {OPT_JWKS, OPT_CA, OPT_ISSUER, OPT_TLS_CA, OPT_AUDIENCE, OPT_ACCEPT, OPT_AT},
        .run = cli_token_verify,
    },
    {
        .name = "try",
        .operands = "",
        .purpose = "show the main job on this machine: encrypt, attest, pull, decrypt, run",
        .details = "Starts a key broker and a registry of its own on free loopback ports, encrypts "
                   "a small image into the registry, plays a guest that attests as a software TEE, "
                   "and runs the image. With --tamper it ends with 0 if the tampering was refused "
                   "as it must be, and with 1 if it went unnoticed. Leaves nothing behind.",
        .options = {OPT_TAMPER},
        .run = cli_try,
    },
    {
        .name = "version",
        .operands = "",
        .purpose = "print the version and what this build can do",
        .data = true,
        .options = {OPT_END},
        .run = cli_version,
    },
};

const struct cli_command *
cli_command(size_t index)
{
    return index < sizeof(table) / sizeof(table[0]) ? &table[index] : NULL;
}
