/*
 * tests/signature/golden.h - a Sigstore of its own, and what it has signed
 *
 * Made by "signing world" and "signing bundle-for" of tests/signing, without any of the code under
 * test; Sigstore's own module verifies them. The image is tests/signkit.h's KIT_DIGEST, the
 * identity dev@example.test of https://issuer.test. Nobody has the keys.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_SIGNATURE_GOLDEN_H
#define COCO_TESTS_SIGNATURE_GOLDEN_H

/* clang-format off */
static const char *const golden_root = __extension__
    "{\"certificateAuthorities\":[{\"certChain\":{\"certificates\":[{\"rawBytes\":\"MIIBvjCCAWW"
    "gAwIBAgIIGOxYMKV3McYwCgYIKoZIzj0EAwIwJzEWMBQGA1UEChMNbGliY29jbyB0ZXN0czENMAsGA1UEAxMEcm9vd"
    "DAeFw0yNjA5MDYxNTA4MzdaFw0yNzAyMjAwNzA4MzdaMCoxFjAUBgNVBAoTDWxpYmNvY28gdGVzdHMxEDAOBgNVBAM"
    "TB2JldHdlZW4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARp9VlNlwuTWsUuHP6qgdUgrj1RT4RxqIslrRa6FUihX"
    "p8jxyxK0nyuH/bfP58yrdYjpXFpCSsUzqphZDOoxdkLo3gwdjAOBgNVHQ8BAf8EBAMCAQYwEwYDVR0lBAwwCgYIKwY"
    "BBQUHAwMwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUmyFiMybzdsMdpZjWIDF1JcLAta0wHwYDVR0jBBgwFoAUc"
    "thCAG8q7Ry4treLkGlQAhfoU/4wCgYIKoZIzj0EAwIDRwAwRAIgOpwZ3j8GtKXzgyLDXraWvaoX2OWgFRoDAoA12we"
    "9XXECIGVp7HiEzGQ08thLs4VatEdrubsyeONKVxBfOWZm6Zvn\"},{\"rawBytes\":\"MIIBhjCCASygAwIBAgIIG"
    "OxYMKVvOiMwCgYIKoZIzj0EAwIwJzEWMBQGA1UEChMNbGliY29jbyB0ZXN0czENMAsGA1UEAxMEcm9vdDAeFw0yNjA"
    "5MDYxNTA4MzdaFw0yNzAyMjAwNzA4MzdaMCcxFjAUBgNVBAoTDWxpYmNvY28gdGVzdHMxDTALBgNVBAMTBHJvb3QwW"
    "TATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARAHFOlz1PZ+98D8nsuBZeKW++Zy7wJvy7tenPpr/qDGPbMRsYA3jfyoRV"
    "pFWvmp8DTW4k7ItvQ8LmK24zwP6B2o0IwQDAOBgNVHQ8BAf8EBAMCAQYwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EF"
    "gQUcthCAG8q7Ry4treLkGlQAhfoU/4wCgYIKoZIzj0EAwIDSAAwRQIhANYpNZSM3FXChE8Xr6znjLVjbhQCsk+qJeo"
    "CU0Q9eqw6AiB6HEIJksUwiXIfkP/ShLQB6iPCx9CAvjYwSJKLdfk1cg==\"}]},\"subject\":{\"commonName\""
    ":\"test\",\"organization\":\"libcoco tests\"},\"uri\":\"https://fulcio.test\",\"validFor\""
    ":{\"start\":\"2026-09-06T15:08:37Z\"}}],\"ctlogs\":[{\"baseUrl\":\"https://ctfe.test\",\"h"
    "ashAlgorithm\":\"SHA2_256\",\"logId\":{\"keyId\":\"bTX/AXximtwTx0yqCybaWMG7VNiUKBzf3NegEDl"
    "3fOY=\"},\"publicKey\":{\"keyDetails\":\"PKIX_ECDSA_P256_SHA_256\",\"rawBytes\":\"MFkwEwYH"
    "KoZIzj0CAQYIKoZIzj0DAQcDQgAEZIqKAgN5McoGJYNHyNqmBW4BjTtw4UJzk4WFlF/94OxkhLJxEkVykjV2yc3sd2"
    "WmtVQ220pjjT1R3XZ1iyfMGQ==\",\"validFor\":{\"start\":\"2026-09-06T15:08:37Z\"}}}],\"mediaT"
    "ype\":\"application/vnd.dev.sigstore.trustedroot+json;version=0.1\",\"timestampAuthorities"
    "\":[{\"certChain\":{\"certificates\":[{\"rawBytes\":\"MIIBeDCCAR6gAwIBAgIBBzAKBggqhkjOPQQD"
    "AjAsMRYwFAYDVQQKEw1saWJjb2NvIHRlc3RzMRIwEAYDVQQDEwlzdGFtcHJvb3QwHhcNMjYxMDE4MDcwODM3WhcNMj"
    "cwMTA5MTUwODM3WjASMRAwDgYDVQQDEwdzdGFtcGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEr3AyCmhc5Fbe"
    "ad+atJSRUi8jsK6l1yzqZv3yWA+3CEW2EyUpRAoXRgMIxcy8Os0oZ3afbRHJHSKJqRQ4hAbcEKNLMEkwDgYDVR0PAQ"
    "H/BAQDAgeAMB8GA1UdIwQYMBaAFF6XH0NZpfMfrnW5XH1Up67HHilPMBYGA1UdJQEB/wQMMAoGCCsGAQUFBwMIMAoG"
    "CCqGSM49BAMCA0gAMEUCIFuU3ePXFcRL0Wgwvvt5tBwpvtQIPns5bqDhh2aLTMJlAiEAq/UOS9oysVLtX4AS04bHOE"
    "3bAT5DDKORkg4e6YppLeU=\"},{\"rawBytes\":\"MIIBkDCCATagAwIBAgIIGOxYMKV7g+owCgYIKoZIzj0EAwIw"
    "LDEWMBQGA1UEChMNbGliY29jbyB0ZXN0czESMBAGA1UEAxMJc3RhbXByb290MB4XDTI2MDkwNjE1MDgzN1oXDTI3MD"
    "IyMDA3MDgzN1owLDEWMBQGA1UEChMNbGliY29jbyB0ZXN0czESMBAGA1UEAxMJc3RhbXByb290MFkwEwYHKoZIzj0C"
    "AQYIKoZIzj0DAQcDQgAEfUPd9laHRVuKFKQJvTP6KUOLX2Igg89/uCBDW7PPphlDWrxD6lPlXgZYfHI8JvQEdppyA1"
    "L+/Q7TYBieu5jkC6NCMEAwDgYDVR0PAQH/BAQDAgEGMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFF6XH0NZpfMf"
    "rnW5XH1Up67HHilPMAoGCCqGSM49BAMCA0gAMEUCIQD9kLJkttkijxVuDEYSwdhPS3E9trw/XyFNXkYAn9np5AIgTR"
    "rmnu7oEeKdzpOCTh8LKbaYUyh+4sqC1+t3oeH6kEU=\"}]},\"subject\":{\"commonName\":\"test\",\"org"
    "anization\":\"libcoco tests\"},\"uri\":\"https://tsa.test\",\"validFor\":{\"start\":\"2026"
    "-09-06T15:08:37Z\"}}],\"tlogs\":[{\"baseUrl\":\"https://rekor.test\",\"hashAlgorithm\":\"S"
    "HA2_256\",\"logId\":{\"keyId\":\"0DYI56BWMUKAHdUPCs5/FOv+M0N+p3AfNVYK4ZQJq+g=\"},\"publicK"
    "ey\":{\"keyDetails\":\"PKIX_ECDSA_P256_SHA_256\",\"rawBytes\":\"MFkwEwYHKoZIzj0CAQYIKoZIzj"
    "0DAQcDQgAEYEMP4KkPHQFg3u9sotVL3YwDPVHhUAe5Kvhy7PsKuTeame0YtgZbSziE/9cwTemWTVdscB1L14lxPlnV"
    "S6RTtA==\",\"validFor\":{\"start\":\"2026-09-06T15:08:37Z\"}}}]}";

/* By a certificate, in the log and its tree, and stamped. */
static const char *const golden_bundle = __extension__
    "{\"dsseEnvelope\":{\"payload\":\"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiL"
    "CJwcmVkaWNhdGUiOnt9LCJwcmVkaWNhdGVUeXBlIjoiaHR0cHM6Ly9zaWdzdG9yZS5kZXYvY29zaWduL3NpZ24vdjE"
    "iLCJzdWJqZWN0IjpbeyJkaWdlc3QiOnsic2hhMjU2IjoiZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN"
    "2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NSJ9LCJuYW1lIjoiIn1dfQ==\",\"payloadType\":\"applic"
    "ation/vnd.in-toto+json\",\"signatures\":[{\"sig\":\"MEQCIG5otsV3miAGowJibzDijIZj2bw1334XbP"
    "0u0ZbdK5LcAiApff0Y6cmBl4/V1ACXFsY5yMYmJ0Xtt1HWPT540oW8BA==\"}]},\"mediaType\":\"applicatio"
    "n/vnd.dev.sigstore.bundle.v0.3+json\",\"verificationMaterial\":{\"certificate\":{\"rawByte"
    "s\":\"MIICPzCCAeWgAwIBAgIIGOxYMKWEY64wCgYIKoZIzj0EAwIwKjEWMBQGA1UEChMNbGliY29jbyB0ZXN0czEQ"
    "MA4GA1UEAxMHYmV0d2VlbjAeFw0yNjExMjgyMzA3MzdaFw0yNjExMjgyMzE3MzdaMAAwWTATBgcqhkjOPQIBBggqhk"
    "jOPQMBBwNCAAScXDSPQKzmHpdFISdM2nUt015HKuudxrw4CEf+XtqvgPVxcP5tdNzdu1nbAJm16+sr8Ff2Lr0BRoK8"
    "8NlV9g+ro4IBHTCCARkwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMDMB8GA1UdIwQYMBaAFJshYj"
    "Mm83bDHaWY1iAxdSXCwLWtMB4GA1UdEQEB/wQUMBKBEGRldkBleGFtcGxlLnRlc3QwIwYKKwYBBAGDvzABCAQVDBNo"
    "dHRwczovL2lzc3Vlci50ZXN0MIGLBgorBgEEAdZ5AgQCBH0EewB5AHcAbTX/AXximtwTx0yqCybaWMG7VNiUKBzf3N"
    "egEDl3fOYAAAGiJGoCqAAABAMASDBGAiEAyNqOmbveKErLjxYxqCM7dyEDJ3orRtMRbXWkrTs51IACIQCIDMxr/RSx"
    "jwnLCvglZVG5D0FgWxqdQZpKb07nyfOEPzAKBggqhkjOPQQDAgNIADBFAiEAhTfGSw47kHqe+JRiQb2JJc84eDsNKI"
    "O5aJWcHASzN8QCIDFWdWVrgKiAdK5cz7Nv/s6PExzJpefQhMvD5G4So6L+\"},\"timestampVerificationData\""
    ":{\"rfc3161Timestamps\":[{\"signedTimestamp\":\"MIICRzADAgEAMIICPgYJKoZIhvcNAQcCoIICLzCCAi"
    "sCAQMxDTALBglghkgBZQMEAgEwgZcGCyqGSIb3DQEJEAEEoIGHBIGEMIGBAgEBBgkrBgEEAYO/MAIwMTANBglghkgB"
    "ZQMEAgEFAAQgAithIwt/EnBPGUEQTqKZ80gSMbfKrOz3vARU6iUh5ZgCFQDc8xe7VeWd1E3WWLLeYFqkKUfeBxgPMj"
    "AyNjExMjgyMzA4MzdaoBakFDASMRAwDgYDVQQDEwdzdGFtcGVyoAAxggF5MIIBdQIBATAxMCwxFjAUBgNVBAoTDWxp"
    "YmNvY28gdGVzdHMxEjAQBgNVBAMTCXN0YW1wcm9vdAIBBzALBglghkgBZQMEAgGggdswGgYJKoZIhvcNAQkDMQ0GCy"
    "qGSIb3DQEJEAEEMBwGCSqGSIb3DQEJBTEPFw0yNjExMjgyMzA4MzdaMC8GCSqGSIb3DQEJBDEiBCAQaLeG/MuHq5r1"
    "eQK26YWGAGeSoiEy+Y8MtJgTy6iVhTBuBgsqhkiG9w0BCRACLzFfMF0wWzBZBCDddP5g7E1zbrJjTOa04vCWEyspuT"
    "AxoD1ZB8soE/gO1DA1MDCkLjAsMRYwFAYDVQQKEw1saWJjb2NvIHRlc3RzMRIwEAYDVQQDEwlzdGFtcHJvb3QCAQcw"
    "CgYIKoZIzj0EAwIERjBEAiAJL+zBBtJSTa0zX/t6al1/XbWLTXUgU0dp3lk8xa5uMAIgZTt32F4SUzFg1fUUNfK090"
    "/ZlwG7I8pYDcXIGezO14w=\"}]},\"tlogEntries\":[{\"canonicalizedBody\":\"eyJhcGlWZXJzaW9uIjoi"
    "MC4wLjEiLCJraW5kIjoiZHNzZSIsInNwZWMiOnsiZW52ZWxvcGVIYXNoIjp7ImFsZ29yaXRobSI6InNoYTI1NiIsIn"
    "ZhbHVlIjoiMzFkZmMxMTdhMmQ2ZTE4ZGEzOGNjMDE5MTFkNDkyNDdjZWYyZDc2ZGIzZDVjMDY1N2VhNTI5ZTU1Mzgz"
    "NjQ5MCJ9LCJwYXlsb2FkSGFzaCI6eyJhbGdvcml0aG0iOiJzaGEyNTYiLCJ2YWx1ZSI6IjAzMzYwZTIyNjBhMDhiOD"
    "ljNmM3ZjE3Y2ZiOTg4ZjVlMzExZjU3ZjNkODBlMDBhNjBlODQ1ZDFjN2ZlYjg5MTAifSwic2lnbmF0dXJlcyI6W3si"
    "c2lnbmF0dXJlIjoiTUVRQ0lHNW90c1YzbWlBR293SmliekRpaklaajJidzEzMzRYYlAwdTBaYmRLNUxjQWlBcGZmMF"
    "k2Y21CbDQvVjFBQ1hGc1k1eU1ZbUowWHR0MUhXUFQ1NDBvVzhCQT09IiwidmVyaWZpZXIiOiJMUzB0TFMxQ1JVZEpU"
    "aUJEUlZKVVNVWkpRMEZVUlMwdExTMHRDazFKU1VOUWVrTkRRV1ZYWjBGM1NVSkJaMGxKUjA5NFdVMUxWMFZaTmpSM1"
    "EyZFpTVXR2V2tsNmFqQkZRWGRKZDB0cVJWZE5RbEZIUVRGVlJVTm9UVTRLWWtkc2FWa3lPV3BpZVVJd1dsaE9NR042"
    "UlZGTlFUUkhRVEZWUlVGNFRVaFpiVll3WkRKV2JHSnFRV1ZHZHpCNVRtcEZlRTFxWjNsTmVrRXpUWHBrWVFwR2R6Qj"
    "VUbXBGZUUxcVozbE5la1V6VFhwa1lVMUJRWGRYVkVGVVFtZGpjV2hyYWs5UVVVbENRbWRuY1docmFrOVFVVTFDUW5k"
    "T1EwRkJVMk5ZUkZOUUNsRkxlbTFJY0dSR1NWTmtUVEp1VlhRd01UVklTM1YxWkhoeWR6UkRSV1lyV0hSeGRtZFFWbm"
    "hqVURWMFpFNTZaSFV4Ym1KQlNtMHhOaXR6Y2poR1pqSUtUSEl3UWxKdlN6ZzRUbXhXT1djcmNtODBTVUpJVkVORFFW"
    "SnJkMFJuV1VSV1VqQlFRVkZJTDBKQlVVUkJaMlZCVFVKTlIwRXhWV1JLVVZGTlRVRnZSd3BEUTNOSFFWRlZSa0ozVF"
    "VSTlFqaEhRVEZWWkVsM1VWbE5RbUZCUmtwemFGbHFUVzA0TTJKRVNHRlhXVEZwUVhoa1UxaERkMHhYZEUxQ05FZEJN"
    "VlZrQ2tWUlJVSXZkMUZWVFVKTFFrVkhVbXhrYTBKc1pVZEdkR05IZUd4TWJsSnNZek5SZDBsM1dVdExkMWxDUWtGSF"
    "JIWjZRVUpEUVZGV1JFSk9iMlJJVW5jS1kzcHZka3d5Ykhwak0xWnNZMmsxTUZwWVRqQk5TVWRNUW1kdmNrSm5SVVZC"
    "WkZvMVFXZFJRMEpJTUVWbGQwSTFRVWhqUVdKVVdDOUJXSGhwYlhSM1ZBcDRNSGx4UTNsaVlWZE5SemRXVG1sVlMwSj"
    "Zaak5PWldkRlJHd3paazlaUVVGQlIybEtSMjlEY1VGQlFVSkJUVUZUUkVKSFFXbEZRWGxPY1U5dFluWmxDa3RGY2t4"
    "cWVGbDRjVU5OTjJSNVJVUktNMjl5VW5STlVtSllWMnR5VkhNMU1VbEJRMGxSUTBsRVRYaHlMMUpUZUdwM2JreERkbW"
    "RzV2xaSE5VUXdSbWNLVjNoeFpGRmFjRXRpTURkdWVXWlBSVkI2UVV0Q1oyZHhhR3RxVDFCUlVVUkJaMDVKUVVSQ1Jr"
    "RnBSVUZvVkdaSFUzYzBOMnRJY1dVclNsSnBVV0l5U2dwS1l6ZzBaVVJ6VGt0SlR6VmhTbGRqU0VGVGVrNDRVVU5KUk"
    "VaWFpGZFdjbWRMYVVGa1N6VmplamRPZGk5ek5sQkZlSHBLY0dWbVVXaE5ka1ExUnpSVENtODJUQ3NLTFMwdExTMUZU"
    "a1FnUTBWU1ZFbEdTVU5CVkVVdExTMHRMUW89In1dfX0=\",\"inclusionPromise\":{\"signedEntryTimestam"
    "p\":\"MEQCIFp1SVT67ggjMbZEy2l4hT8Hqz7q13fpxuKTbOhtdxawAiAIeIqXuQV4VhQJGwWK/3DuMYhDc63qt8a5"
    "qJ9TNnh/Dw==\"},\"inclusionProof\":{\"checkpoint\":{\"envelope\":\"rekor.test - 1\\n5\\nFw"
    "se+QBEb4mwCIQ7NLbwv4wQMuxNaXSIyozywWH60Fg=\\n\\n— rekor.test 0DYI5zBEAiBQWPaXiTHZxJbmwu+8p"
    "1jYVDirDPHturVFAp/C/7EkyQIgY8NIVYXcb9uZ2AFgEM95McqYQOdhY5Wvhl7rsi4AV30=\\n\"},\"hashes\":["
    "\"kGxdJIXK5yIHOkMPTQT+F2dQdZLO8iZimurbhaLskJ0=\",\"ywCYnZSlacCmeK4EK2Pc1GJduWRAUX83put5duo"
    "k7Us=\",\"EeH1WCI/THG2vhzs/R8N6HFG0llId8J7KexRn5BAITw=\"],\"logIndex\":\"2\",\"rootHash\":"
    "\"Fwse+QBEb4mwCIQ7NLbwv4wQMuxNaXSIyozywWH60Fg=\",\"treeSize\":\"5\"},\"integratedTime\":\""
    "1795907317\",\"kindVersion\":{\"kind\":\"dsse\",\"version\":\"0.0.1\"},\"logId\":{\"keyId\""
    ":\"0DYI56BWMUKAHdUPCs5/FOv+M0N+p3AfNVYK4ZQJq+g=\"},\"logIndex\":\"4711\"}]}}";

/* By golden_signer, in the log. */
static const char *const golden_by_key = __extension__
    "{\"dsseEnvelope\":{\"payload\":\"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiL"
    "CJwcmVkaWNhdGUiOnt9LCJwcmVkaWNhdGVUeXBlIjoiaHR0cHM6Ly9zaWdzdG9yZS5kZXYvY29zaWduL3NpZ24vdjE"
    "iLCJzdWJqZWN0IjpbeyJkaWdlc3QiOnsic2hhMjU2IjoiZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN"
    "2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NSJ9LCJuYW1lIjoiIn1dfQ==\",\"payloadType\":\"applic"
    "ation/vnd.in-toto+json\",\"signatures\":[{\"sig\":\"MEUCIHIeXNxf9dyi/qCSMGSK1q6QZQmfYLHfto"
    "IkD6rKxgLzAiEAh5ZHpvuAUPkulxEBDhU1TEQacfKISQTnzvGuqFHBS3Y=\"}]},\"mediaType\":\"applicatio"
    "n/vnd.dev.sigstore.bundle.v0.3+json\",\"verificationMaterial\":{\"publicKey\":{\"hint\":\""
    "test\"},\"tlogEntries\":[{\"canonicalizedBody\":\"eyJhcGlWZXJzaW9uIjoiMC4wLjEiLCJraW5kIjoi"
    "ZHNzZSIsInNwZWMiOnsiZW52ZWxvcGVIYXNoIjp7ImFsZ29yaXRobSI6InNoYTI1NiIsInZhbHVlIjoiMjc3MmVlMz"
    "NlMWNlZGMzNWQ4MWZmZTRlYzg0OWRkNjAyMzhjNDljOGRiMjcxNDcyMzYzZWE0NzgyNjJhZjYxOSJ9LCJwYXlsb2Fk"
    "SGFzaCI6eyJhbGdvcml0aG0iOiJzaGEyNTYiLCJ2YWx1ZSI6IjAzMzYwZTIyNjBhMDhiODljNmM3ZjE3Y2ZiOTg4Zj"
    "VlMzExZjU3ZjNkODBlMDBhNjBlODQ1ZDFjN2ZlYjg5MTAifSwic2lnbmF0dXJlcyI6W3sic2lnbmF0dXJlIjoiTUVV"
    "Q0lISWVYTnhmOWR5aS9xQ1NNR1NLMXE2UVpRbWZZTEhmdG9Ja0Q2ckt4Z0x6QWlFQWg1WkhwdnVBVVBrdWx4RUJEaF"
    "UxVEVRYWNmS0lTUVRuenZHdXFGSEJTM1k9IiwidmVyaWZpZXIiOiJMUzB0TFMxQ1JVZEpUaUJRVlVKTVNVTWdTMFZa"
    "TFMwdExTMEtUVVpyZDBWM1dVaExiMXBKZW1vd1EwRlJXVWxMYjFwSmVtb3dSRUZSWTBSUlowRkZTMk5QUTA5YVdGTk"
    "lVaXRNWkZCS0wyWTVaRGRVTDFGRmVuUklUZ3BwZFVOcVZYVktaSEJFYVRCeFRHRlhaREZUUW5weE5tZFpia1pTUlVG"
    "eU9DdFBTMlp6TkVGRFUxZ3lhM3BSUzJkS1JVNXJjak50ZWpkblBUMEtMUzB0TFMxRlRrUWdVRlZDVEVsRElFdEZXUz"
    "B0TFMwdENnPT0ifV19fQ==\",\"inclusionPromise\":{\"signedEntryTimestamp\":\"MEUCIQDpg1V/7/jw"
    "2W8kdWRCtuEZOK0bUmN3/0d8sdxZLVbjpAIgAgkslx1/aqLI9UfbR9tzh3Cp4kpDF6tHBoCbDcnPvTU=\"},\"incl"
    "usionProof\":{\"checkpoint\":{\"envelope\":\"rekor.test - 1\\n5\\nsOnNUEQoS2lwi4+NqhWZODbV"
    "2R00m+ckYfdKBMDdxpQ=\\n\\n— rekor.test 0DYI5zBGAiEAm344AdionMFpwaKou+VGciUxi3mhSk52eD4xhLD"
    "TNbACIQD/6ycJqWlQQxnlrhRDl4vpHttlzBoLEeJMxa5oL6z/OQ==\\n\"},\"hashes\":[\"kGxdJIXK5yIHOkMP"
    "TQT+F2dQdZLO8iZimurbhaLskJ0=\",\"ywCYnZSlacCmeK4EK2Pc1GJduWRAUX83put5duok7Us=\",\"EeH1WCI/"
    "THG2vhzs/R8N6HFG0llId8J7KexRn5BAITw=\"],\"logIndex\":\"2\",\"rootHash\":\"sOnNUEQoS2lwi4+N"
    "qhWZODbV2R00m+ckYfdKBMDdxpQ=\",\"treeSize\":\"5\"},\"integratedTime\":\"1795907317\",\"kin"
    "dVersion\":{\"kind\":\"dsse\",\"version\":\"0.0.1\"},\"logId\":{\"keyId\":\"0DYI56BWMUKAHd"
    "UPCs5/FOv+M0N+p3AfNVYK4ZQJq+g=\"},\"logIndex\":\"4711\"}]}}";

static const char *const golden_signer = __extension__
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKcOCOZXSHR+LdPJ/f9d7T/QEzt"
    "HN\niuCjUuJdpDi0qLaWd1SBzq6gYnFREAr8+OKfs4ACSX2kzQKgJENkr3mz7g==\n-----END PUBLIC KEY-----"
    "\n";

static const char *const golden_rekor = __extension__
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYEMP4KkPHQFg3u9sotVL3YwDPV"
    "Hh\nUAe5Kvhy7PsKuTeame0YtgZbSziE/9cwTemWTVdscB1L14lxPlnVS6RTtA==\n-----END PUBLIC KEY-----"
    "\n";
/* clang-format on */

#endif
