/*
 * tests/golden.h - a conversation in each version of the KBS protocol
 *
 * Made by tests/golden.py, without any of the code under test. The keys are of
 * nobody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_GOLDEN_H
#define COCO_TESTS_GOLDEN_H

#define GOLDEN_SECRET "golden secret"

struct golden {
    const char *version;
    const char *key; /* of the guest, PEM */
    const char *request;
    const char *nonce;
    const char *challenge;
    const char *report_data; /* hex */
    const char *attestation; /* of the TEE sample */
    const char *response;    /* GOLDEN_SECRET, sealed */
};

/* clang-format off */
static const struct golden golden[] = {
    {
        .version =
            "0.1.0",
        .key =
            "-----BEGIN PRIVATE KEY-----\nMIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSk"
            "AgEAAoIBAQDNymmTc/TYnjWm\naueOmrM/N/0suSYn1I+B3n4awDAsXHhIjcuOk7OTecD"
            "BvKzgoIWa6SSJ0zX2Lvfa\nm0en2J48eApif2pGPfh/jYpXjsHdd9ADylQsa8BICnfKUe"
            "7ycOTC99vNTGW/z89V\nqxSdVYeSzIb2NK14sh8hn4b0paA0hgqVVCZYTnZLKIZHuyy2n"
            "Upb/SsouzOpc8xW\ndG0lgjE3Bwq+zSfne31AEN2q2V+MVHUOZhSGb4BOwufvdjKiquK4"
            "FU61dk4xVOxB\npJQyUum8QKlHrC13RncTe0+tEq4v0fP+Fe0qhENUdXgvWtxgQ8V0ZfL"
            "nJ4mwC6CZ\nc3xQO+mJAgMBAAECggEACal4PYETPNxovnCEgLCIu+4gB+qFfRdAyaMtno"
            "npeRu6\nVgW6Se5rXwA3aaE3KLDAtR4/Je1xuiZIYs4plhrYixRDwI4k6jlconh9x1Cfj"
            "4th\ni9wDCbbhZ0B+kVQ5eM6OHw1OF5x/pnrWTDplFGIApIbPy117y4/pYEXCK1hfZjfT"
            "\nTauYk0UKBFnOHNzZ/6g4Y/k8VUXxtE85scjuJHGe+0Ht/JarrZYmOhC7Vrn+x2pl\nni"
            "q0fjkYm10pK/lX7XGiDiYjdeF+BrO1EVKoQP6RcbVGpYOy0A6V+wqOd4vD55VW\n/eUOp"
            "BOf2P/WhrlRZ8aYJHWQXCwcCUXBpN2xTfIoZQKBgQDz2O0NF8PtePgRD2oX\n7ioJYvw8"
            "IE6t4ZE1OdUVVjt+kezQxqhgw1B5tYRBmyD6+P6kWzjRFxLRQoZvpKsb\nYynPrxiDq8h"
            "IA68cADW6lC8WbGthLcdrfelG2e4NR0VmXah83sGKWAuXqWjdicjC\ndkymaLUDSJX16U"
            "We1qy/oYWWHwKBgQDYC/LEfA9LY3e4Th4XpxHTN+6wF8re8qea\nRcDguOplXToSKFgBc"
            "Q6oq9T1S224528Fe9LFuptt3ZTdXc2DAc7SqHY2HKcgXpcb\nTDA8vEW707mhY9PsrMns"
            "yEZVG9HRpqEOW0+usAFe/bDgUeL1dyb3ha8JmV8PC0M6\nCLe/Sqt7VwKBgEPkhwPZNRT"
            "+VFszpn9pMU0RwVbgS+e/4RUnt/tL2h7AdGYgmarv\nVo28i0lU7tbR0txiBay5tuSKmD"
            "GncHicoHyRrMqkXowmcm/iYxNCxOWCZFdXTqnQ\nEc5HSS9rQ5hfxVSXFN3266tbYLYl8"
            "b6q/2ZpytRSNmaUf2zdKpXkW/RTAoGBAK7s\n5bBPHncU309b+KOAAz+4jssHSJxBbpDL"
            "n4KUVjyiQi2HetIX/x10m2XMn9dRk6Om\nAR9VmxlWiny9wXMsWJBaE/R2OJ9N1x0kD/5"
            "tFi0hHbDdyi5cLNZJxiCM+NK+DrM4\nHYk8Oq/1ymumAZRr2CIbnICyLLRakyD/A/+fbr"
            "7bAoGBAJzRHb0zvd652w1D9IgW\nrkfbDo+Ozo2vcrZEHpGNzNeUl48oJ79h4qaFbB/qT"
            "YbHw1imYb4HHrb210K1p0Cf\njr89yf5OiA4PetuzAYxCJjKeJbVotCcIsG8rUL3xZ/tj"
            "MOjvGEqIqPerQTXigZMj\nSDwgTWHeP2iFu1T32um5h10i\n-----END PRIVATE KEY--"
            "---\n",
        .request =
            "{\"version\":\"0.1.0\",\"tee\":\"sample\",\"extra-params\":\"\"}",
        .nonce =
            "U0E+7M2Qn4seuVPBtYop5Dm0fZc/AZuSk1gtO3w50jU=",
        .challenge =
            "{\"nonce\":\"U0E+7M2Qn4seuVPBtYop5Dm0fZc/AZuSk1gtO3w50jU=\",\"extra-param"
            "s\":\"\"}",
        .report_data =
            "eb878b2891b669af23603113fafefe4770acd06b94b71be90ec7d290c6fd08f5bda9"
            "3a4cf9f03aebb506fd9bd9387f7c",
        .attestation =
            "{\"tee-pubkey\":{\"kty\":\"RSA\",\"alg\":\"RSA1_5\",\"n\":\"zcppk3P02J41pmrnjpqzP"
            "zf9LLkmJ9SPgd5-GsAwLFx4SI3LjpOzk3nAwbys4KCFmukkidM19i732ptHp9iePHgKY"
            "n9qRj34f42KV47B3XfQA8pULGvASAp3ylHu8nDkwvfbzUxlv8_PVasUnVWHksyG9jSte"
            "LIfIZ-G9KWgNIYKlVQmWE52SyiGR7sstp1KW_0rKLszqXPMVnRtJYIxNwcKvs0n53t9Q"
            "BDdqtlfjFR1DmYUhm-ATsLn73YyoqriuBVOtXZOMVTsQaSUMlLpvECpR6wtd0Z3E3tPr"
            "RKuL9Hz_hXtKoRDVHV4L1rcYEPFdGXy5yeJsAugmXN8UDvpiQ\",\"e\":\"AQAB\"},\"tee-"
            "evidence\":\"{\\\"svn\\\":\\\"1\\\",\\\"report_data\\\":\\\"64eLKJG2aa8jYDET+v7+R3Cs"
            "0GuUtxvpDsfSkMb9CPW9qTpM+fA667UG/ZvZOH98\\\"}\"}",
        .response =
            "{\"protected\":\"{\\\"alg\\\":\\\"RSA1_5\\\",\\\"enc\\\":\\\"A256GCM\\\"}\",\"encrypted_k"
            "ey\":\"s9TtwNpZDSeBAaEJ1LC_qUjHn8VKMvEflWa-T5CJaRyM6iVzu1_PNeAz3gwe05g"
            "7mSHHjKDJxCsbyiMhuZUfHnKdxD8lCa8x7hQuX2LF2DaWypsIZAqO2haBx5ZVMzoLI5c"
            "U6QU0yPpufLB_M2pcGiyrDFJQk-nczDlVxUMmgQFmP6oeMkLIL6YwGgAJBfbaK0Kjbrn"
            "_q5wQS5My_P-q5F-YWqUAQjda6EvzX0aLKvW6SsitR_nx6GWUpzib2wMUlmnUh6fDK9N"
            "T7caon_8DL_jA_z_Qk1DQSi1aQ6fzcTXi_ApqxOTm6olATFwaoM-yVWB2j4iGPJWTlZs"
            "3c3uSaA\",\"iv\":\"2xV8roR3T-T3qz27\",\"ciphertext\":\"YUEAW65C3-Vpiwp6E2dn3"
            "wUBPFDkp0Ac38JOcwQ\",\"tag\":\"\"}",
    },
    {
        .version =
            "0.1.1",
        .key =
            "-----BEGIN PRIVATE KEY-----\nMIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSk"
            "AgEAAoIBAQDUZTqZlsgcoCQa\nxfMJvQH+nCKioAzY2xV9SWII1F6iQBxA2hSFSwRmfma"
            "MrUySAiOvwDP25LCiBWcl\nAZh7L41Yqdao6T2U2XFFkcQ6Ep4xfeFw82bIs4TeeGsWag"
            "H1claYPkgrWyy/zdYP\nmqLSP93J4hMIaHiA0Fi2sUUKnHx2nkkjQFnZu6e6kXvjSO6gg"
            "VQF27DQKu6WeI+q\nqwtMr0lmcSnEd72TEFzdUXaA59p6r0Spz1m/9cjJwbWPnWK282mc"
            "buQsgnORnWRa\nGyLKCwhchbOsg9jImxq0xJuq+CK7V4AzeQJDVtwqeSk0vNMYXCPs870"
            "ctOVvY8Pm\nebP8a0O7AgMBAAECggEAB69BRK+pvi4QcFmLdrrnGL0HHHGEVXpDwkcxQV"
            "bcX6wd\nzujfsjI/JALcbKg+gM/hVlQIF/Lj7dDFOm0JhSIjepBBNdZOheqsyFLC/Jjnh"
            "AHl\nHLmUapw4KUvGZXFgxcPPx0KwSMVL5AVWAoralkHSS/dz2dYxz0ilKmL/4lI8HJcs"
            "\n9/Y4Wg4DDLXXghICAz+f0+0qFxRWWGYyXq03sd+2UOK4FpIqFdA9sP7f0g3wjTUo\nbC"
            "fVjXqIFlYWjskoNYxnkejz3vPcIkLUNmUVReCm77e4zrIskR14TwzRKQR/3l/j\nuYQFY"
            "hoJNIS9PDQOjoA91RVcUoEmNqA5iAOcicj+uQKBgQDsJuxFPQPKmT18tBm1\nZ7g2v19w"
            "ARF1PhiAm4fQhnIgLrgq4OGKg0Z2Uuky7fKbKM5yjuFejEvIYR0ppr2r\nx3pHQuFkeWZ"
            "dXxYgl5Y+CMD6pksDU2B+IfCrcL8vLJh/d7MA2nztfSS4PTEUL4iq\noHPQvy+MI8Yf36"
            "ElJPnH9CJ/eQKBgQDmPyfV5D2sbrtZN7GifqjJ+dBfhC42Dutb\nYpolw/tRkUryjMGxJ"
            "dBlViVPcJRWpGA4zICS0jMgXL9w4NyDIGwl0x4RY5HLOLRO\ncSwqTlDksx4A+FCLZsPn"
            "f8iU3zfB505Ce/lya2Oby/Z4WmjaMD3L1EL4CT0BAHsm\nMEXnYhIL0wKBgQCoMljaP8j"
            "xhg+rQEOHVyZ3p/p7tecPUHj3MM+dEAU9MsltkNpT\nY4jOQeNiqOPA62GPaoDObLKVN8"
            "YjomU5ckx/cP1EKMtl+ZGzCQSzjlyUqdiHt9zk\nOZxHH3isSuEa+NB/7R5JsHZ02vCX5"
            "fs7PCkBJwrgj6JPlWIbKKjXZ+UiUQKBgB99\nNbKAA5tIjaDXCBlEH0t4OfJGPpewFKor"
            "4w8VLZLrPwfLDlZu6IBjdrjVmcP7uRkr\nhs4Np2ZeqOQELMRWM9Q8ellAd9kGSUqNGdA"
            "zY8bTZGAXldRq2pIXnNQXbyW6v65C\nDEyEuVu+Wlf9bWehv2HYBsyrXsd7TFxdr8HEXN"
            "l3AoGBALFHbTbjRTn1oem9yQBh\nAdUyP/TawsJrCfCUvUxBAzniXIgqLGwhXMGq/fg3v"
            "kVPu7aX270XhxRYwLUdG7un\nPUJ1SYgzUViqlUT/0GgnrrXM5ZdA6MSL9yEoHFSJ3e8m"
            "hhMl1+Ajw30YUD8sk1xM\nPVzSqTYtSJrzYbLONOH9thkO\n-----END PRIVATE KEY--"
            "---\n",
        .request =
            "{\"version\":\"0.1.1\",\"tee\":\"sample\",\"extra-params\":{\"supported-hash-al"
            "gorithms\":[\"sha384\",\"sha512\"]}}",
        .nonce =
            "3M7MoFzcaCMrjz8TSwlSrT7zo2VU+rhmPwExfWvqF6s=",
        .challenge =
            "{\"nonce\":\"3M7MoFzcaCMrjz8TSwlSrT7zo2VU+rhmPwExfWvqF6s=\",\"extra-param"
            "s\":\"\"}",
        .report_data =
            "8b0bc4c4c6cf9ef3f66de8d56a10d6c2b3cc894ffa6c1a004f510bdd5d8a885bfd43"
            "049b07547b5c7595a605db62b525",
        .attestation =
            "{\"tee-pubkey\":{\"kty\":\"RSA\",\"alg\":\"RSA1_5\",\"n\":\"1GU6mZbIHKAkGsXzCb0B_"
            "pwioqAM2NsVfUliCNReokAcQNoUhUsEZn5mjK1MkgIjr8Az9uSwogVnJQGYey-NWKnWq"
            "Ok9lNlxRZHEOhKeMX3hcPNmyLOE3nhrFmoB9XJWmD5IK1ssv83WD5qi0j_dyeITCGh4g"
            "NBYtrFFCpx8dp5JI0BZ2bunupF740juoIFUBduw0CrulniPqqsLTK9JZnEpxHe9kxBc3"
            "VF2gOfaeq9Eqc9Zv_XIycG1j51itvNpnG7kLIJzkZ1kWhsiygsIXIWzrIPYyJsatMSbq"
            "vgiu1eAM3kCQ1bcKnkpNLzTGFwj7PO9HLTlb2PD5nmz_GtDuw\",\"e\":\"AQAB\"},\"tee-"
            "evidence\":{\"svn\":\"1\",\"report_data\":\"iwvExMbPnvP2bejVahDWwrPMiU/6bBoA"
            "T1EL3V2KiFv9QwSbB1R7XHWVpgXbYrUl\"}}",
        .response =
            "{\"protected\":\"{\\\"alg\\\":\\\"RSA1_5\\\",\\\"enc\\\":\\\"A256GCM\\\"}\",\"encrypted_k"
            "ey\":\"JW93i3EC0_UQo5EE6wJHLbjAep2km8Kre8d1DTnEwpVrW8uOW-qDX6-4xBqNoxQ"
            "Bj3h4XE9y5q_GN_ZgUp7NeDewQuKWzFSjpzONt-UvSHGKbR4qrc1JZxGK9xRhT160vE-"
            "nPX6lAi9JqbN0iWna5r5O6y0Q5E_1LcHZ9nY0MzqLHT9s0Pe8bAJvVppHHutWze8ZckL"
            "F5GIt-M-RRr197g1YtLwcc4Qmwuma1He7nziOWVagn3U-QqgYjPths9K9g2_GrTGjGI0"
            "XmdlpfNOspJ6BJla0_fwAjG6vZjMQq0nKoeJKnA606lPRwGryJ2cq8uTezZ8qAGBJoej"
            "8KaBQyQ\",\"iv\":\"7YTiIl-ENZaTmc2c\",\"ciphertext\":\"zmoYXH-RotFkd44yuZcDR"
            "ryID4ZnjbtnNjjxEOE\",\"tag\":\"\"}",
    },
    {
        .version =
            "0.2.0",
        .key =
            "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0w"
            "awIBAQQgEyyQ29oDVWkQm6Nv\n7ABEV+VwAqwAJnbbmZlCWygU5HGhRANCAAR7/g5fWQe"
            "nG4N4D98NAwN97ulqoq05\nAZRX7jR/LaZUB6LhU9zCzFEdxgihRXs0eCjDuYaX8BIT/T"
            "URH7ABFizF\n-----END PRIVATE KEY-----\n",
        .request =
            "{\"version\":\"0.2.0\",\"tee\":\"sample\",\"extra-params\":{\"supported-hash-al"
            "gorithms\":[\"sha384\",\"sha512\"]}}",
        .nonce =
            "Rn3K6C7dkv1G5+VjyHR13obZ95LJxxhTgUnteRCX294=",
        .challenge =
            "{\"nonce\":\"Rn3K6C7dkv1G5+VjyHR13obZ95LJxxhTgUnteRCX294=\",\"extra-param"
            "s\":\"\"}",
        .report_data =
            "48c59a806a503a9ddb1f2625e5e2a512406fdea1693c2d2302ddd5379875f23a5c53"
            "d7074ba4f9485b3094fc74219aec",
        .attestation =
            "{\"tee-pubkey\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\""
            "e_4OX1kHpxuDeA_fDQMDfe7paqKtOQGUV-40fy2mVAc\",\"y\":\"ouFT3MLMUR3GCKFFez"
            "R4KMO5hpfwEhP9NREfsAEWLMU\"},\"tee-evidence\":{\"svn\":\"1\",\"report_data\":"
            "\"SMWagGpQOp3bHyYl5eKlEkBv3qFpPC0jAt3VN5h18jpcU9cHS6T5SFswlPx0IZrs\"}}",
        .response =
            "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLC"
            "JlcGsiOnsiY3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIsIngiOiJZWjFWUjNNOUJaNDBBSW"
            "xraTRmZlFrZ0Z2SnZOS1RtMFM5YlRQX0RrTHpBIiwieSI6IkFQVHFMakJKMTdtMkd1d3"
            "Zhb1Q3a01hYmlwSk41OHJoS1ozdDVUUmxRak0ifX0\",\"encrypted_key\":\"xmNR3jq9"
            "hHuHtyfcXKJkAyfKkoB0LkEfV1StWL3fVyg6VV-kJgNaqA\",\"iv\":\"sVOTKOlZCOCMpA"
            "AK\",\"ciphertext\":\"RV-tOy0oqIVmoIr0sA\",\"tag\":\"KCu8TcW5rwCIlhzZX0WGfA\""
            "}",
    },
    {
        .version =
            "0.3.0",
        .key =
            "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0w"
            "awIBAQQguub1nhqm3XhgRygj\nStuhyZxi8LUxu88gDGuiuozQgL6hRANCAARM5D4Ilgm"
            "2et28Kbw8NHJllS7ka/ws\nNRuLASRGxo7XL9vFUoFbVX54CHle9oz+F5nuIhsy0LJNtY"
            "dZu65SoYjo\n-----END PRIVATE KEY-----\n",
        .request =
            "{\"version\":\"0.3.0\",\"tee\":\"sample\",\"extra-params\":{\"supported-hash-al"
            "gorithms\":[\"sha384\",\"sha512\"]}}",
        .nonce =
            "2nh4wWyIv398JXDlxUJSh9UMZm6Fzaj3lgmmpGbbJ3M=",
        .challenge =
            "{\"nonce\":\"2nh4wWyIv398JXDlxUJSh9UMZm6Fzaj3lgmmpGbbJ3M=\",\"extra-param"
            "s\":\"\"}",
        .report_data =
            "8c493da0ae2e480b5d37eb969995a10f9041e56fad737cbe6e658aca013bb2f173c6"
            "61fc268215cd3cb34ff7d9cd787a",
        .attestation =
            "{\"tee-pubkey\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\""
            "TOQ-CJYJtnrdvCm8PDRyZZUu5Gv8LDUbiwEkRsaO1y8\",\"y\":\"28VSgVtVfngIeV72jP"
            "4Xme4iGzLQsk21h1m7rlKhiOg\"},\"tee-evidence\":{\"primary_evidence\":{\"svn"
            "\":\"1\",\"report_data\":\"jEk9oK4uSAtdN+uWmZWhD5BB5W+tc3y+bmWKygE7svFzxmH"
            "8JoIVzTyzT/fZzXh6\"},\"additional_evidence\":\"\"}}",
        .response =
            "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLC"
            "JlcGsiOnsiY3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIsIngiOiJqeHJwVTc4N0Jyb2FDc2"
            "VuOHZZNHY3RzhBQnAzTTA4VDdHUHlVVTlaQS0wIiwieSI6IktfTXdEVlpPSTNJajkyS0"
            "w5a0JYdURNTUlnRGtRUTk5ZjBZNlppQXh6UmsifX0\",\"encrypted_key\":\"j4zOjscp"
            "N0ueE91lZ9sBvpxYQtBbmkQjq1Hr6wNpYjKdU6XDZxXlsQ\",\"iv\":\"kOn7gengwv26Sl"
            "1I\",\"ciphertext\":\"gKBpudcbwybGfM_zDw\",\"tag\":\"4IIAwCcgNEzIUHfkClpCKA\""
            "}",
    },
    {
        .version =
            "0.4.0",
        .key =
            "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0w"
            "awIBAQQgruEpyzrXq7WNUZZc\nwpbqq0tKW5Levc9XeYynZKFv/xGhRANCAARn1fdLdoV"
            "AiLVMWag88zWuArZkQJNB\nZnJ3R9wmQ+hBnh40ha9QCvr1IwFeJ/I9UKXvUlZPALzQer"
            "InJB61MQTB\n-----END PRIVATE KEY-----\n",
        .request =
            "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":{\"supported-hash-al"
            "gorithms\":[\"sha384\",\"sha512\"]}}",
        .nonce =
            "ZTS7u7Sk1a2vKNwwGxn2UfkqpF4WScHsM+yM9QM8d4M=",
        .challenge =
            "{\"nonce\":\"ZTS7u7Sk1a2vKNwwGxn2UfkqpF4WScHsM+yM9QM8d4M=\",\"extra-param"
            "s\":\"\"}",
        .report_data =
            "38e57d6fd7831f5cb1f9267e196695c675a021449b3a3cd6aaf5c81b858d0d0b971c"
            "ca3f6a81ffcfc04d32941d061246",
        .attestation =
            "{\"init-data\":{\"format\":\"toml\",\"body\":\"version = \\\"0.1.0\\\"\\nalgorithm"
            " = \\\"sha384\\\"\\n[data]\\n\\\"aa.toml\\\" = \\\"\\\"\\n\"},\"runtime-data\":{\"nonce"
            "\":\"ZTS7u7Sk1a2vKNwwGxn2UfkqpF4WScHsM+yM9QM8d4M=\",\"tee-pubkey\":{\"kty\""
            ":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"Z9X3S3aFQIi1TFmoPPM1"
            "rgK2ZECTQWZyd0fcJkPoQZ4\",\"y\":\"HjSFr1AK-vUjAV4n8j1Qpe9SVk8AvNB6sickHr"
            "UxBME\"}},\"tee-evidence\":{\"primary_evidence\":{\"svn\":\"1\",\"report_data\""
            ":\"OOV9b9eDH1yx+SZ+GWaVxnWgIUSbOjzWqvXIG4WNDQuXHMo/aoH/z8BNMpQdBhJG\"}"
            ",\"additional_evidence\":\"\"}}",
        .response =
            "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLC"
            "JlcGsiOnsiY3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIsIngiOiJUazh6VkVTN25ZY1Uya2"
            "xINUx5UUZVenBURlJ1cUpaWFlvYWNZcUhxenFJIiwieSI6InI0NXVQeUFjM3NmNXVkTH"
            "hUVUxkaVNsTk9KZGZuSWRLcnlsZEpIbUhUMmMifX0\",\"encrypted_key\":\"sksqzP52"
            "FFqDW0Y2-5OlHWN3Vl-hMIvB9TQlykKN_vvu6Dgcc9NqwA\",\"iv\":\"bOVhJdrorD2f17"
            "kJ\",\"ciphertext\":\"MwNNGbRKMPQZyNlQDw\",\"tag\":\"bRpFNTndh-pInOmSTBOdKQ\""
            "}",
    },
};
/* clang-format on */

#define GOLDENS (sizeof(golden) / sizeof(golden[0]))

#endif
