// Signing is the field's own code in the tests: what Sigstore's modules sign libcoco verifies,
// and what libcoco signs they verify.
//
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"fmt"
	"os"
)

var commands = map[string]func(args []string) error{
	"cosign-key":    cosignKey,
	"cosign-refer":  cosignRefer,
	"cosign-sign":   cosignSign,
	"cosign-verify": cosignVerify,
	"keyless-sign":  keylessSign,
	"bundle-sign":   bundleSign,
	"message-sign":  messageSign,
	"world":         makeWorld,
	"bundle-for":    bundleFor,
	"attest":        attest,
	"layout-list":   layoutList,
	"layout-refer":  layoutRefer,
	"notation-sign": notationSign,
	"notation-for":  notationFor,
	"golden":        golden,
	"registry":      serveRegistry,
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "which command?")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
