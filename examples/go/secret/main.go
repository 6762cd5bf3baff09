// Get a secret from a key broker and write it to stdout.
//
//	secret cc_kbc::https://kbs.example:8080 kbs:///default/key/1
package main

import (
	"context"
	"log"
	"os"

	"libcoco.example/coco"
)

func main() {
	kbc, err := coco.NewKBC(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer kbc.Close()
	secret, err := kbc.Get(context.Background(), os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	_, _ = os.Stdout.Write(secret)
}
