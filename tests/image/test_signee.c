/*
 * tests/image/test_signee.c - lib/image/signee.c, with real registries
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/signee.h"

#include "base/bytes.h"
#include "tests/registry.h"

#include "signing.h"

#include <sys/stat.h>

struct places {
    struct registry own;
    struct registry mirror;
    char name[128];
    char digest[COCO_DIGEST_TEXT_SIZE];
};

/* The mirror has something else by the same name. */
static void
begin_places(struct fixture *f, struct places *p)
{
    char folder[128];
    char other[128];
    char toml[512];

    *p = (struct places){0};
    (void)snprintf(folder, sizeof(folder), "%s/mirror", f->dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    registry_start(&p->own, f->dir, "", "");
    registry_start(&p->mirror, folder, "", "");
    (void)snprintf(other, sizeof(other), "%s/acme/app:1", p->mirror.host);
    layout_make(f->dir, "other", f->layer, 1000, NULL);
    assert_ok(copy(f, coco_image_push, "oci:%/other", other, NULL), f->err);
    (void)snprintf(p->name, sizeof(p->name), "%s/acme/app:1", p->own.host);
    assert_ok(copy(f, coco_image_push, "oci:%/plain", p->name, NULL), f->err);
    (void)snprintf(p->digest, sizeof(p->digest), "%s", coco_image_digest(f->image));
    (void)snprintf(toml, sizeof(toml),
                   "[[registry]]\nlocation = \"%s\"\ninsecure = true\n"
                   "[[registry.mirror]]\nlocation = \"%s\"\ninsecure = true\n",
                   p->own.host, p->mirror.host);
    assert_ok(
        coco_image_client_set_registries(f->client, (const uint8_t *)toml, strlen(toml), &f->err),
        f->err);
}

static void
end_places(struct places *p)
{
    registry_stop(&p->mirror);
    registry_stop(&p->own);
}

/* For what is not found: a signee would outlive its reference. */
static coco_status
look_for(struct fixture *f, const char *name)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, name);
    _cleanup_signee_ struct coco_signee signee = {0};

    return coco_signee_find(f->client, f->ctx, ref, &signee, &f->err);
}

static void
what_a_mirror_has_is_not_signed(void **state)
{
    struct fixture *f = *state;
    struct places p;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_signee_ struct coco_signee signee = {0};
    char text[COCO_DIGEST_TEXT_SIZE];

    begin_places(f, &p);
    ref = ref_of(f, p.name);
    assert_ok(coco_signee_find(f->client, f->ctx, ref, &signee, &f->err), f->err);
    coco_digest_format(&signee.digest, text);
    assert_string_equal(text, p.digest);
    assert_false(signee.found.manifest.is_index);
    end_places(&p);
}

static void
what_was_signed_is_told(void **state)
{
    struct fixture *f = *state;
    struct places p;
    _cleanup_signee_ struct coco_signee signee = {0};
    _cleanup_(coco_bytes_freep) coco_bytes *told = NULL;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    char want[512];

    begin_places(f, &p);
    ref = ref_of(f, p.name);
    assert_ok(coco_signee_find(f->client, f->ctx, ref, &signee, &f->err), f->err);
    assert_ok(coco_signee_describe(&signee, "there", true, &told, &f->err), f->err);
    (void)snprintf(want, sizeof(want),
                   "{\"reference\":\"%s\",\"digest\":\"%s\",\"signature\":\"there\","
                   "\"already\":true}",
                   p.name, p.digest);
    assert_int_equal(coco_bytes_size(told), strlen(want));
    assert_memory_equal(coco_bytes_data(told), want, strlen(want));
    end_places(&p);
}

static void
what_is_not_there_is_refused(void **state)
{
    struct fixture *f = *state;
    struct places p;
    char other[256];

    begin_places(f, &p);
    (void)snprintf(other, sizeof(other), "%s2", p.name);
    assert_fails(look_for(f, other), f->err, COCO_ERR_NOTFOUND, "");
    (void)snprintf(other, sizeof(other), "%s@sha256:%064d", p.name, 0);
    assert_fails(look_for(f, other), f->err, COCO_ERR_NOTFOUND, "");
    assert_fails(look_for(f, "oci:%/plain"), f->err, COCO_ERR_NOTSUP, "in registries");
    end_places(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_mirror_has_is_not_signed),
        TEST(what_was_signed_is_told),
        TEST(what_is_not_there_is_refused),
    };

    return cmocka_run_group_tests_name("image/signee", tests, NULL, NULL);
}
