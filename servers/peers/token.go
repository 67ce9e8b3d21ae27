package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

const expired = "The provided continue parameter is too old to display a consistent list result. " +
	"You can start a new list without the continue parameter, or use the continue token in this " +
	"response to retrieve the remainder of the results. Continuing with the provided token results " +
	"in an inconsistent list - objects that were created, modified, or deleted between the time the " +
	"first chunk was returned and now may show up in the list."

const invalid = "invalid continue token: continue key is not valid: "

const checksumBytes = 12

// A position in a list: after a key, in the state of a version, the present one where it is empty.
type position struct{ Version, Namespace, Key string }

// token seals a position. It is opaque and no secret: a checksum shows that it was cut or edited.
func token(at position) string {
	content, _ := json.Marshal(at) // three strings always encode
	return base64.URLEncoding.EncodeToString(append(checksum(content), content...))
}

func readToken(text, namespace string) (position, error) {
	var at position
	sealed, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(sealed) < checksumBytes {
		return at, bad(invalid + "no server of this kind issued it")
	}
	content := sealed[checksumBytes:]
	if !bytes.Equal(checksum(content), sealed[:checksumBytes]) || json.Unmarshal(content, &at) != nil {
		return at, bad(invalid + "no server of this kind issued it")
	}
	if at.Namespace != namespace {
		return at, bad(invalid + "it belongs to another path")
	}
	return at, nil
}

func checksum(content []byte) []byte {
	sum := sha256.Sum256(append([]byte("informer-bench/peers/continue/v1"), content...))
	return sum[:checksumBytes]
}
