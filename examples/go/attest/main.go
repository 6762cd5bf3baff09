// Attest this machine to a key broker and print its token.
//
//	attest cc_kbc::https://kbs.example:8080
package main

import (
	"context"
	"fmt"
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
	token, err := kbc.Attest(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token)
}
