/*
 * tests/image/test_manifest.c - lib/image/manifest.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/manifest.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEX64 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define DIGEST "\"digest\":\"sha256:" HEX64 "\",\"size\":5"
#define OCI_CONFIG "\"config\":{\"mediaType\":\"" COCO_MEDIA_OCI_CONFIG "\"," DIGEST "}"
#define OCI_LAYER "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\"," DIGEST "}"
#define OCI_MANIFEST "{\"schemaVersion\":2," OCI_CONFIG ",\"layers\":[" OCI_LAYER "]}"
#define DOCKER_MANIFEST                                                                            \
    "{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_DOCKER_MANIFEST                             \
    "\",\"config\":{\"mediaType\":\"" COCO_MEDIA_DOCKER_CONFIG "\"," DIGEST                        \
    "},\"layers\":[{\"mediaType\":\"application/vnd.docker.image.rootfs.diff.tar.gzip\"," DIGEST   \
    "}]}"
#define OCI_INDEX                                                                                  \
    "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST "\"," DIGEST   \
    "}]}"

static void
parse_knows_the_four_kinds(void **state)
{
    static const struct {
        const char *text, *said, *media_type;
        bool is_index, is_docker;
    } cases[] = {
        {OCI_MANIFEST, "", COCO_MEDIA_OCI_MANIFEST, false, false},
        {OCI_MANIFEST, COCO_MEDIA_OCI_MANIFEST "; charset=utf-8", COCO_MEDIA_OCI_MANIFEST, false,
         false},
        {OCI_MANIFEST, "application/json", COCO_MEDIA_OCI_MANIFEST, false, false},
        {DOCKER_MANIFEST, "text/plain; charset=utf-8", COCO_MEDIA_DOCKER_MANIFEST, false, true},
        {DOCKER_MANIFEST, COCO_MEDIA_DOCKER_MANIFEST, COCO_MEDIA_DOCKER_MANIFEST, false, true},
        {OCI_INDEX, "", COCO_MEDIA_OCI_INDEX, true, false},
        {OCI_INDEX, COCO_MEDIA_OCI_INDEX, COCO_MEDIA_OCI_INDEX, true, false},
        {OCI_INDEX, COCO_MEDIA_DOCKER_LIST, COCO_MEDIA_DOCKER_LIST, true, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_manifest_ struct coco_manifest manifest = {0};
        coco_error *err = NULL;

        assert_ok(coco_manifest_parse(cases[i].text, strlen(cases[i].text), cases[i].said, 8,
                                      &manifest, &err),
                  err);
        assert_string_equal(manifest.media_type, cases[i].media_type);
        assert_int_equal(manifest.is_index, cases[i].is_index);
        assert_int_equal(manifest.is_docker, cases[i].is_docker);
        assert_int_equal(manifest.n_layers, 1);
        assert_int_equal(manifest.layers[0].size, 5);
        assert_int_equal(manifest.layers[0].digest.alg, COCO_SHA256);
    }
}

/* Go's encoding/json writes null for a list that nothing was added to. */
static void
lists_that_are_null_are_empty(void **state)
{
    static const struct {
        const char *text;
        bool is_index;
    } cases[] = {
        {"{\"schemaVersion\":2," OCI_CONFIG ",\"layers\":null}", false},
        {"{\"schemaVersion\":2,\"manifests\":null}", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_manifest_ struct coco_manifest manifest = {0};
        coco_error *err = NULL;

        assert_ok(coco_manifest_parse(cases[i].text, strlen(cases[i].text), "", 8, &manifest, &err),
                  err);
        assert_int_equal(manifest.is_index, cases[i].is_index);
        assert_int_equal(manifest.n_layers, 0);
    }
}

static void
hostile_manifests_are_refused(void **state)
{
    static const struct {
        const char *text, *said;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", "", COCO_ERR_PROTO, ""},
        {"[]", "", COCO_ERR_PROTO, ""},
        {"{}", "", COCO_ERR_PROTO, "schemaVersion"},
        {OCI_MANIFEST " x", "", COCO_ERR_PROTO, ""},
        {"\xef\xbb\xbf" OCI_MANIFEST, "", COCO_ERR_PROTO, ""},
        {"{\"schemaVersion\":1}", "", COCO_ERR_PROTO, "schema 1"},
        {"{\"schemaVersion\":2.0," OCI_CONFIG ",\"layers\":[]}", "", COCO_ERR_PROTO, ""},
        {"{\"schemaVersion\":\"2\"," OCI_CONFIG ",\"layers\":[]}", "", COCO_ERR_PROTO, ""},
        {OCI_MANIFEST, "application/vnd.docker.distribution.manifest.v1+prettyjws", COCO_ERR_PROTO,
         "schema 1"},
        {OCI_MANIFEST, "text/html", COCO_ERR_NOTSUP, "text/html"},
        {OCI_MANIFEST, "application/vnd.oci.artifact.manifest.v1+json", COCO_ERR_NOTSUP, ""},
        {DOCKER_MANIFEST, COCO_MEDIA_OCI_MANIFEST, COCO_ERR_PROTO, "was announced"},
        {OCI_MANIFEST, COCO_MEDIA_OCI_INDEX, COCO_ERR_PROTO, "an index with the member 'config'"},
        {OCI_INDEX, COCO_MEDIA_OCI_MANIFEST, COCO_ERR_PROTO,
         "a manifest with the member 'manifests'"},
        /* Both kinds in one: whoever asks for either gets it (CVE-2021-41190). */
        {"{\"schemaVersion\":2," OCI_CONFIG ",\"layers\":[],\"manifests\":[]}", "", COCO_ERR_PROTO,
         "an index with"},
        {"{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST "\"," OCI_CONFIG
         ",\"layers\":[],\"manifests\":[]}",
         "", COCO_ERR_PROTO, "a manifest with"},
        {"{\"schemaVersion\":2,\"manifests\":[],\"fsLayers\":[]}", "", COCO_ERR_PROTO, "fsLayers"},
        {"{\"schemaVersion\":2,\"manifests\":[],\"lAyers\":[]}", "", COCO_ERR_PROTO, "layers"},
        {"{\"schemaVersion\":2,\"config\":{},\"layers\":[],\"Manifests\":[]}", "", COCO_ERR_PROTO,
         "'manifests'"},
        {"{\"schemaVersion\":2," OCI_CONFIG ",\"layers\":[],\"LAYERS\":[" OCI_LAYER "]}", "",
         COCO_ERR_PROTO, ""},
        {"{\"schemaVersion\":2," OCI_CONFIG ",\"layers\":[],\"layers\":[" OCI_LAYER "]}", "",
         COCO_ERR_PROTO, ""},
        {"{\"schemaVersion\":2," OCI_CONFIG "}", "", COCO_ERR_PROTO, "layers"},
        {"{\"schemaVersion\":2," OCI_CONFIG ",\"layers\":{}}", "", COCO_ERR_PROTO, "layers"},
        {"{\"schemaVersion\":2," OCI_CONFIG ",\"layers\":[1]}", "", COCO_ERR_PROTO, "layer 0"},
        {"{\"schemaVersion\":2,\"layers\":[]}", "", COCO_ERR_PROTO, "config"},
        {"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/x\"," DIGEST
         "},\"layers\":[]}",
         "", COCO_ERR_NOTSUP, "artifact"},
        {"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"sha256:zz\","
         "\"size\":1}]}",
         "", COCO_ERR_PROTO, "manifest 0"},
        {"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"sha256:../../" HEX64
         "\",\"size\":1}]}",
         "", COCO_ERR_PROTO, "manifest 0"},
        {"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"sha256:" HEX64
         "\",\"size\":-1}]}",
         "", COCO_ERR_PROTO, "manifest 0"},
        {"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"sha256:" HEX64
         "\",\"size\":5e0}]}",
         "", COCO_ERR_PROTO, "manifest 0"},
        {"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"sha256:" HEX64
         "\",\"size\":9223372036854775808}]}",
         "", COCO_ERR_PROTO, "2^63"},
        {"{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:" HEX64 "\",\"size\":5}]}", "",
         COCO_ERR_PROTO, "mediaType"},
        {"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a\"," DIGEST
         ",\"annotations\":{\"a\":1}}]}",
         "", COCO_ERR_PROTO, "annotation 'a'"},
        {"{\"schemaVersion\":2," OCI_CONFIG ",\"layers\":[" OCI_LAYER "," OCI_LAYER "," OCI_LAYER
         "]}",
         "", COCO_ERR_LIMIT, "3 layers"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_manifest manifest = {0};
        coco_error *err = NULL;

        coco_status status = coco_manifest_parse(cases[i].text, strlen(cases[i].text),
                                                 cases[i].said, 2, &manifest, &err);
        print_message("# case %zu: %s\n", i, coco_error_message(err));
        assert_fails(status, err, cases[i].status, cases[i].why);
        assert_null(manifest.json);
    }
}

static void
layer_types_tell_compression_and_encryption(void **state)
{
    static const struct {
        const char *media_type;
        enum coco_compression compression;
        bool encrypted;
    } cases[] = {
        {"application/vnd.oci.image.layer.v1.tar", COCO_UNCOMPRESSED, false},
        {"application/vnd.oci.image.layer.v1.tar+gzip", COCO_GZIP, false},
        {"application/vnd.oci.image.layer.v1.tar+zstd", COCO_ZSTD, false},
        {"application/vnd.oci.image.layer.v1.tar+encrypted", COCO_UNCOMPRESSED, true},
        {"application/vnd.oci.image.layer.v1.tar+gzip+encrypted", COCO_GZIP, true},
        {"application/vnd.oci.image.layer.v1.tar+zstd+encrypted", COCO_ZSTD, true},
        {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", COCO_GZIP, false},
        {"application/vnd.docker.image.rootfs.diff.tar", COCO_UNCOMPRESSED, false},
        {"application/vnd.docker.image.rootfs.diff.tar.gzip", COCO_GZIP, false},
        {"application/vnd.docker.image.rootfs.diff.tar.gzip+encrypted", COCO_GZIP, true},
        {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", COCO_GZIP, false},
    };
    static const char *const strangers[] = {
        "",
        "+encrypted",
        "application/octet-stream",
        "application/vnd.oci.image.layer.v1.tar+bzip2",
        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted+encrypted",
        "application/vnd.oci.image.layer.v1.tar+encrypted+gzip",
        "application/vnd.oci.image.layer.v1.ta",
        "application/vnd.in-toto+json",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum coco_compression compression = COCO_UNCOMPRESSED;
        bool encrypted = false;
        coco_error *err = NULL;

        assert_ok(coco_layer_media_type(cases[i].media_type, &compression, &encrypted, &err), err);
        assert_int_equal(compression, cases[i].compression);
        assert_int_equal(encrypted, cases[i].encrypted);
        assert_ok(coco_layer_media_type(coco_layer_media_type_name(compression, encrypted),
                                        &compression, &encrypted, &err),
                  err);
        assert_int_equal(compression, cases[i].compression);
        assert_int_equal(encrypted, cases[i].encrypted);
    }
    for (size_t i = 0; i < COUNT(strangers); i++) {
        enum coco_compression compression = COCO_UNCOMPRESSED;
        bool encrypted = false;
        coco_error *err = NULL;

        assert_fails(coco_layer_media_type(strangers[i], &compression, &encrypted, &err), err,
                     COCO_ERR_NOTSUP, "media type of a layer");
    }
}

static void
parse_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_manifest_ struct coco_manifest manifest = {0};
        coco_error *err = NULL;

        coco_status status =
            coco_manifest_parse(OCI_MANIFEST, strlen(OCI_MANIFEST), "", 8, &manifest, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_knows_the_four_kinds),
        cmocka_unit_test(lists_that_are_null_are_empty),
        cmocka_unit_test(hostile_manifests_are_refused),
        cmocka_unit_test(layer_types_tell_compression_and_encryption),
        cmocka_unit_test(parse_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/manifest", tests, NULL, NULL);
}
