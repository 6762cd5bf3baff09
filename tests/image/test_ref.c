/*
 * tests/image/test_ref.c - lib/image/ref.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/image.h>

#include "base/cleanup.h"
#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEX64 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define DIGEST "sha256:" HEX64

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

static void
assert_same(const char *got, const char *want)
{
    if (!want)
        assert_null(got);
    else if (!got)
        fail_msg("NULL instead of \"%s\"", want);
    else
        assert_string_equal(got, want);
}

/* What stands before the colon in text. */
static void
assert_transport(const coco_image_ref *ref, const char *text)
{
    const char *transport = coco_image_ref_transport(ref);

    assert_int_equal(strlen(transport), strcspn(text, ":"));
    assert_memory_equal(transport, text, strlen(transport));
}

static void
parse_fills_in_what_is_usual(void **state)
{
    static const struct {
        const char *text, *registry, *repository, *tag, *digest, *want;
    } cases[] = {
        {"busybox", "docker.io", "library/busybox", "latest", NULL,
         "docker.io/library/busybox:latest"},
        {"docker://busybox:1", "docker.io", "library/busybox", "1", NULL,
         "docker.io/library/busybox:1"},
        {"a/b", "docker.io", "a/b", "latest", NULL, "docker.io/a/b:latest"},
        {"docker.io/alpine", "docker.io", "library/alpine", "latest", NULL,
         "docker.io/library/alpine:latest"},
        {"index.docker.io/alpine", "docker.io", "library/alpine", "latest", NULL,
         "docker.io/library/alpine:latest"},
        {"registry-1.docker.io/library/alpine", "registry-1.docker.io", "library/alpine", "latest",
         NULL, "registry-1.docker.io/library/alpine:latest"},
        {"localhost/x", "localhost", "x", "latest", NULL, "localhost/x:latest"},
        {"localhost:5000/x:1", "localhost:5000", "x", "1", NULL, "localhost:5000/x:1"},
        {"[::1]:5000/x:1", "[::1]:5000", "x", "1", NULL, "[::1]:5000/x:1"},
        {"[fd00:0:0::A]/a/x@" DIGEST, "[fd00:0:0::A]", "a/x", NULL, DIGEST,
         "[fd00:0:0::A]/a/x@" DIGEST},
        {"127.0.0.1:5000/a/b/c:v1.0-x_y", "127.0.0.1:5000", "a/b/c", "v1.0-x_y", NULL,
         "127.0.0.1:5000/a/b/c:v1.0-x_y"},
        {"ghcr.io/acme/app@" DIGEST, "ghcr.io", "acme/app", NULL, DIGEST,
         "ghcr.io/acme/app@" DIGEST},
        {"ghcr.io/acme/app:1@" DIGEST, "ghcr.io", "acme/app", "1", DIGEST,
         "ghcr.io/acme/app:1@" DIGEST},
        {"h.test/a__b/c--d/e.f/g_h", "h.test", "a__b/c--d/e.f/g_h", "latest", NULL,
         "h.test/a__b/c--d/e.f/g_h:latest"},
        {"docker://ostree:5000/a", "ostree:5000", "a", "latest", NULL,
         "docker://ostree:5000/a:latest"},
        {"docker://sif:1", "docker.io", "library/sif", "1", NULL, "docker.io/library/sif:1"},
        {"docker:27", "docker.io", "library/docker", "27", NULL, "docker.io/library/docker:27"},
        {"tarball", "docker.io", "library/tarball", "latest", NULL,
         "docker.io/library/tarball:latest"},
        {"docker://oci:5000/a", "oci:5000", "a", "latest", NULL, "docker://oci:5000/a:latest"},
        {"oci:/srv/image", NULL, "/srv/image", NULL, NULL, "oci:/srv/image"},
        {"oci:image:v1", NULL, "image", "v1", NULL, "oci:image:v1"},
        {"oci:a:b:c", NULL, "a", "b:c", NULL, "oci:a:b:c"},
        {"oci:a:docker.io/library/x:1.0", NULL, "a", "docker.io/library/x:1.0", NULL,
         "oci:a:docker.io/library/x:1.0"},
        {"oci:a:b--c_d.e-f@g+h@" DIGEST, NULL, "a", "b--c_d.e-f@g+h", DIGEST,
         "oci:a:b--c_d.e-f@g+h@" DIGEST},
        {"oci:a:_x..y", NULL, "a", "_x..y", NULL, "oci:a:_x..y"},
        {"oci-archive:a.tar:localhost/b:c", NULL, "a.tar", "localhost/b:c", NULL,
         "oci-archive:a.tar:localhost/b:c"},
        {"oci:./a@b:v1@" DIGEST, NULL, "./a@b", "v1", DIGEST, "oci:./a@b:v1@" DIGEST},
        {"oci:a@" DIGEST, NULL, "a", NULL, DIGEST, "oci:a@" DIGEST},
        {"dir:/srv/image", NULL, "/srv/image", NULL, NULL, "dir:/srv/image"},
        {"dir:a:b@c@" DIGEST, NULL, "a:b@c", NULL, DIGEST, "dir:a:b@c@" DIGEST},
        {"oci-archive:a.tar", NULL, "a.tar", NULL, NULL, "oci-archive:a.tar"},
        {"oci-archive:/srv/a.tar:v1@" DIGEST, NULL, "/srv/a.tar", "v1", DIGEST,
         "oci-archive:/srv/a.tar:v1@" DIGEST},
        {"docker-archive:a.tar", NULL, "a.tar", NULL, NULL, "docker-archive:a.tar"},
        {"docker-archive:a.tar:app", NULL, "a.tar", "docker.io/library/app:latest", NULL,
         "docker-archive:a.tar:docker.io/library/app:latest"},
        {"docker-archive:a@b:localhost:5000/x:1@" DIGEST, NULL, "a@b", "localhost:5000/x:1", DIGEST,
         "docker-archive:a@b:localhost:5000/x:1@" DIGEST},
        {"docker-archive:a.tar:dir:5000/x", NULL, "a.tar", "dir:5000/x:latest", NULL,
         "docker-archive:a.tar:dir:5000/x:latest"},
        {"docker-archive:a.tar:@0", NULL, "a.tar", "@0", NULL, "docker-archive:a.tar:@0"},
        {"docker-archive:a.tar:@12@" DIGEST, NULL, "a.tar", "@12", DIGEST,
         "docker-archive:a.tar:@12@" DIGEST},
        {"docker://dir:5000/a", "dir:5000", "a", "latest", NULL, "docker://dir:5000/a:latest"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
        coco_error *err = NULL;

        assert_ok(coco_image_ref_parse(cases[i].text, &ref, &err), err);
        assert_transport(ref, cases[i].registry ? "docker:" : cases[i].text);
        assert_same(coco_image_ref_registry(ref), cases[i].registry);
        assert_same(coco_image_ref_repository(ref), cases[i].repository);
        assert_same(coco_image_ref_tag(ref), cases[i].tag);
        assert_same(coco_image_ref_digest(ref), cases[i].digest);
        assert_same(coco_image_ref_text(ref), cases[i].want);
    }
}

/* The full form may be written down and read again. */
static void
the_text_of_a_reference_means_the_same(void **state)
{
    static const char *const cases[] = {
        "busybox",
        "index.docker.io/a",
        "docker://oci:5000/a:v1@" DIGEST,
        "oci:./a@b:v1",
        "oci:a:h.test/b:v1@" DIGEST,
        "dir:./a:b@c",
        "oci-archive:a.tar:v1@" DIGEST,
        "docker://oci-archive:5000/a",
        "docker://dir:5000/a",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
        _cleanup_(coco_image_ref_freep) coco_image_ref *again = NULL;
        coco_error *err = NULL;

        assert_ok(coco_image_ref_parse(cases[i], &ref, &err), err);
        assert_ok(coco_image_ref_parse(coco_image_ref_text(ref), &again, &err), err);
        assert_same(coco_image_ref_transport(again), coco_image_ref_transport(ref));
        assert_same(coco_image_ref_text(again), coco_image_ref_text(ref));
    }
}

static void
parse_refuses(void **state)
{
    static char long_name[300];
    static char long_when_full[245]; /* "docker.io/library/" comes before it */
    static char long_tag[200];
    static char endless[5000];
    static const char *const cases[] = {
        "",
        " ",
        "/",
        "a/",
        "/a",
        "a//b",
        "Alpine",
        "a/B",
        "h.test/",
        "h.test:/a",
        "h.test:0/a",
        "h.test:65536/a",
        "h.test:99999999999999999999/a",
        "h.test:5000x/a",
        "-h.test/a",
        "h-.test/a",
        "h..test/a",
        ".test/a",
        "h.test./a",
        "[::1/x",
        "[]:5000/x",
        "[::1]5000/x",
        "[::1]:/x",
        "[::1]:65536/x",
        "[:::1]:5000/x",
        "[fe80::1%eth0]:5000/x",
        "[1.2.3.4]:5000/x",
        "[::1][::2]/x",
        "::1/x",
        "user@h.test/a",
        "user:pass@h.test/a",
        "https://h.test/a",
        "h.test/a/../b",
        "h.test/a/./b",
        "h.test/-a",
        "h.test/a-",
        "h.test/a___b",
        "h.test/a..b",
        "h.test/a:",
        "h.test/a:.x",
        "h.test/a:x y",
        "h.test/a:x\n",
        "h.test/a:b:c",
        "h.test/a@",
        "h.test/a@sha256:12",
        "h.test/a@sha256:" HEX64 "00",
        "h.test/a@SHA256:" HEX64,
        "h.test/a@md5:d41d8cd98f00b204e9800998ecf8427e",
        "h.test/a@" DIGEST "@" DIGEST,
        "dir:",
        "dir:@" DIGEST,
        "oci-archive:",
        "oci-archive::v1",
        "oci-archive:a.tar:",
        "oci-archive:a.tar:b/",
        "oci-archive:a.tar:b//c",
        "oci-archive:a.tar:b c",
        "oci-archive:a.tar:-b",
        "docker-archive:",
        "docker-archive::app",
        "docker-archive:a.tar:",
        "docker-archive:a.tar:App",
        "docker-archive:a.tar:app:",
        "docker-archive:a.tar:@",
        "docker-archive:a.tar:@-1",
        "docker-archive:a.tar:@01",
        "docker-archive:a.tar:@12345",
        "docker-archive:a.tar:@1x",
        "docker-archive:a.tar:app@" DIGEST "@" DIGEST,
        "h.test/a%2fb",
        "h.test/\xc3\xa4",
        "h.test/a?b",
        "oci:",
        "oci::v1",
        "oci:a:",
        "oci:a:b:/c",
        "oci:a:/b",
        "oci:a:b/../c",
        "oci:a:b@",
        "containers-storage:app",
        "containers-storage:[overlay@/var]app",
        "docker-daemon:app:1",
        "ostree:5000/app",
        "sif:app.sif",
        "atomic:app",
        "tarball:app.tar",
        "docker://",
        "docker://docker://a",
        long_name,
        long_when_full,
        long_tag,
        endless,
    };

    (void)state;
    memset(long_name, 'a', sizeof(long_name) - 1);
    memset(long_when_full, 'a', sizeof(long_when_full) - 1);
    memset(long_tag, 'a', sizeof(long_tag) - 1);
    long_tag[1] = ':';
    memset(endless, 'a', sizeof(endless) - 1);
    memcpy(endless, "oci:", 4);
    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_image_ref *ref = NULL;
        coco_error *err = NULL;

        if (coco_image_ref_parse(cases[i], &ref, &err) == COCO_OK)
            fail_msg("'%s' is accepted", cases[i]);
        assert_int_equal(coco_error_status(err), COCO_ERR_INVALID);
        assert_null(ref);
        coco_error_free(err);
    }
}

static void
parse_survives_any_failed_allocation(void **state)
{
    static const char *const texts[] = {"h.test/a:1@" DIGEST, "busybox", "oci:a:1@" DIGEST};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        for_each_fault()
        {
            _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
            coco_error *err = NULL;

            coco_status status = coco_image_ref_parse(texts[i], &ref, &err);
            fault_expect(status, err);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_fills_in_what_is_usual),
        cmocka_unit_test(the_text_of_a_reference_means_the_same),
        cmocka_unit_test(parse_refuses),
        cmocka_unit_test(parse_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/ref", tests, NULL, NULL);
}
