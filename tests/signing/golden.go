// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

const goldenHead = `/*
 * tests/signature/golden.h - a Sigstore of its own, and what it has signed
 *
 * Made by "signing golden DIR" of tests/signing, without any of the code under test; Sigstore's own
 * module verifies them. The image is tests/signkit.h's KIT_DIGEST, the digest of nothing, the
 * identity dev@example.test of https://issuer.test. Nobody has the keys.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_SIGNATURE_GOLDEN_H
#define COCO_TESTS_SIGNATURE_GOLDEN_H

/* clang-format off */
`

const goldenTail = `/* clang-format on */

#endif
`

const goldenPredicate = `{"buildDefinition":{"externalParameters":{"source":"git+https://git.test/app@refs/heads/main"}},` +
	`"runDetails":{"builder":{"id":"https://builder.test"}}}`

// literal prints a text of C, in lines.
func literal(name, text string) {
	escapes := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	line := `    "`
	fmt.Printf("static const char *const %s = __extension__\n", name)
	for _, one := range strings.TrimSuffix(text, "\n") {
		next := escapes.Replace(string(one))
		if len(line)+len(next) > 98 {
			fmt.Println(line + `"`)
			line = `    "`
		}
		line += next
	}
	fmt.Print(line + "\";\n\n")
}

// golden DIR writes golden.h, of the world in DIR.
func golden(args []string) error {
	w := openWorld(args[0])
	empty := hexOf(sha(nil))
	digest, err := name.NewDigest("registry.test/app@sha256:" + empty)
	check(err)
	bundle := func(text ...string) string {
		o := parseOptions(text)
		made := []byte{}
		if o.get("message", "no") == "" {
			made = w.bundle(w.signMessage(nil, o), o)
		} else {
			made = w.statementBundle(statementFor(digest, o), o)
		}
		o["check"] = "sigstore"
		check(w.judge(made, digest, o))
		var sorted any
		check(json.Unmarshal(made, &sorted))
		made, err = json.Marshal(sorted)
		check(err)
		return string(made)
	}
	file := func(name string) string {
		text, err := os.ReadFile(w.path(name))
		check(err)
		return string(text)
	}
	notation := func(text ...string) []byte {
		_, made := w.notationEnvelope("sha256:"+empty, 7, parseOptions(text))
		return made
	}

	fmt.Print(goldenHead)
	literal("golden_root", file("trusted_root.json"))
	fmt.Print("/* By a certificate, in the log and its tree, and stamped. */\n")
	literal("golden_bundle", bundle("with=stamp"))
	fmt.Print("/* By golden_signer, in the log. */\n")
	literal("golden_by_key", bundle("key=signer"))
	fmt.Print("/* Signatures of bytes, of which there are none: like the two above. */\n")
	literal("golden_message", bundle("message=", "with=stamp"))
	literal("golden_message_by_key", bundle("message=", "key=signer"))
	fmt.Print("/* In a log of Rekor 2, and stamped; an envelope and a signature of bytes. */\n")
	literal("golden_tiled", bundle("rekor=ed25519", "with=stamp"))
	literal("golden_tiled_message", bundle("message=", "rekor=ecdsa", "with=stamp"))
	fmt.Print("/* A certificate with the promise of golden_ctfe's log, and who made it. */\n")
	literal("golden_leaf", string(pemOf(w.leaf(&otherKey().PublicKey, options{}))))
	literal("golden_ca", file("ca.pem"))
	literal("golden_ctfe", file("ctfe.pub"))
	fmt.Print("/* A reply of golden_stampers about \"data\", in base64; and one with its certificate in it. */\n")
	literal("golden_stamp", b64(w.stamp([]byte("data"), options{})))
	literal("golden_stamp_with", b64(w.stamp([]byte("data"), options{"stamp": "with"})))
	literal("golden_signer", file("signer.pub"))
	literal("golden_rekor", file("rekor.pub"))
	fmt.Print("/* A statement of SLSA's provenance, by a certificate. */\n")
	literal("golden_provenance", bundle("type=https://slsa.dev/provenance/v1", "predicate="+goldenPredicate))
	fmt.Print("/* Envelopes of Notation, good at GOLDEN_NOTATION_TIME; that of COSE in base64. */\n")
	fmt.Printf("#define GOLDEN_NOTATION_TIME %d\n", time.Now().Unix())
	literal("golden_jws", string(notation()))
	literal("golden_cose", b64(notation("format=cose", "kind=rsa2048")))
	fmt.Print("/* The same with a time stamp, and one whose time an authority says. */\n")
	literal("golden_stamped_jws", string(notation("with=stamp")))
	literal("golden_stamped_cose", b64(notation("with=stamp", "format=cose", "accuracy=3s")))
	literal("golden_authority_jws", string(notation("scheme=notary.x509.signingAuthority")))
	literal("golden_authority_cose", b64(notation("scheme=notary.x509.signingAuthority", "format=cose")))
	literal("golden_notation_root", file("root.pem"))
	literal("golden_stampers", file("tsa.pem"))
	fmt.Print(goldenTail)
	return nil
}
