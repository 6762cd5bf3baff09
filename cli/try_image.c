/*
 * cli/try_image.c - an OCI layout with one small image, written from scratch
 *
 * program -> ustar -> blobs/sha256/…, then config, manifest and index (OCI
 * image-spec 1.1, image-layout.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "try.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define BLOCK ((size_t)512)
#define HEX_SIZE 65
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"

/* A blob while it is written; its name is known at the end. */
struct blob {
    char *path;
    int fd;
    EVP_MD_CTX *hash;
    uint64_t size;
};

/* What others say of it. */
struct descriptor {
    const char *type;
    char hex[HEX_SIZE];
    uint64_t size;
};

static void
blob_done(struct blob *blob)
{
    if (blob->fd >= 0)
        (void)close(blob->fd);
    EVP_MD_CTX_free(blob->hash);
    free(blob->path);
}

static coco_status
blob_open(struct try *t, struct blob *blob)
{
    blob->path = try_path(t, "layout/blobs/sha256/new");
    blob->hash = EVP_MD_CTX_new();
    if (!blob->path || !blob->hash || EVP_DigestInit_ex(blob->hash, EVP_sha256(), NULL) != 1)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    blob->fd = open(blob->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return blob->fd >= 0 ? COCO_OK : try_fail_errno(t, errno, blob->path);
}

static coco_status
blob_write(struct try *t, struct blob *blob, const void *data, size_t len)
{
    const uint8_t *at = data;

    if (EVP_DigestUpdate(blob->hash, data, len) != 1)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    blob->size += len;
    while (len > 0) {
        ssize_t n = write(blob->fd, at, len);

        if (n < 0 && errno != EINTR)
            return try_fail_errno(t, errno, blob->path);
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return COCO_OK;
}

/* Gives the blob the name of its digest. */
static coco_status
blob_end(struct try *t, struct blob *blob, struct descriptor *ret)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    char name[128];
    unsigned len = 0;

    if (EVP_DigestFinal_ex(blob->hash, digest, &len) != 1)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    for (unsigned i = 0; i < len && i < HEX_SIZE / 2; i++)
        (void)snprintf(ret->hex + 2 * (size_t)i, 3, "%02x", digest[i]);
    ret->size = blob->size;
    (void)snprintf(name, sizeof(name), "layout/blobs/sha256/%s", ret->hex);
    _cleanup_free_ char *path = try_path(t, name);
    if (!path)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    return rename(blob->path, path) == 0 ? COCO_OK : try_fail_errno(t, errno, path);
}

/* POSIX.1-1988 ustar. */
struct header {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char rest[247];
};

static void
octal(char *field, size_t width, uint64_t value)
{
    field[--width] = '\0';
    while (width > 0) {
        field[--width] = (char)('0' + (value & 7));
        value >>= 3;
    }
}

/* Owned by whoever runs this, so that nobody needs to be root to unpack it. */
static coco_status
write_header(struct try *t, struct blob *blob, const char *name, unsigned mode, uint64_t size)
{
    struct header h = {.magic = "ustar", .version = {'0', '0'}};
    const unsigned char *bytes = (const unsigned char *)&h;
    unsigned sum = 0;
    size_t len = strlen(name);

    _Static_assert(sizeof(h) == BLOCK, "a header is one block");
    memcpy(h.name, name, len < sizeof(h.name) ? len : sizeof(h.name));
    octal(h.mode, sizeof(h.mode), mode);
    octal(h.uid, sizeof(h.uid), geteuid());
    octal(h.gid, sizeof(h.gid), getegid());
    octal(h.size, sizeof(h.size), size);
    octal(h.mtime, sizeof(h.mtime), 0);
    h.type = name[len - 1] == '/' ? '5' : '0';
    memset(h.checksum, ' ', sizeof(h.checksum));
    for (size_t i = 0; i < sizeof(h); i++)
        sum += bytes[i];
    octal(h.checksum, sizeof(h.checksum) - 1, sum);
    return blob_write(t, blob, &h, sizeof(h));
}

static coco_status
write_zeros(struct try *t, struct blob *blob, size_t n)
{
    static const uint8_t zeros[2 * BLOCK];

    return blob_write(t, blob, zeros, n);
}

static coco_status
write_program(struct try *t, struct blob *blob, int fd, uint64_t size)
{
    uint8_t buf[64 * 1024];
    uint64_t left = size;

    coco_status status = write_header(t, blob, "bin/busybox", 0755, size);
    while (status == COCO_OK && left > 0) {
        ssize_t n = read(fd, buf, left < sizeof(buf) ? (size_t)left : sizeof(buf));

        if (n <= 0)
            return try_fail_errno(t, n < 0 ? errno : EIO, "busybox");
        status = blob_write(t, blob, buf, (size_t)n);
        left -= (uint64_t)n;
    }
    if (status == COCO_OK && size % BLOCK != 0)
        status = write_zeros(t, blob, (size_t)(BLOCK - size % BLOCK));
    return status;
}

/* Whether it needs no libraries, which the image does not have. */
static bool
is_static(int fd)
{
    Elf64_Ehdr elf;

    if (pread(fd, &elf, sizeof(elf), 0) != sizeof(elf) || memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0)
        return false;
    for (unsigned i = 0; i < elf.e_phnum; i++) {
        Elf64_Phdr program;
        off_t at = (off_t)(elf.e_phoff + (uint64_t)i * elf.e_phentsize);

        if (pread(fd, &program, sizeof(program), at) != sizeof(program)
            || program.p_type == PT_INTERP)
            return false;
    }
    return true;
}

static coco_status
write_layer(struct try *t, const char *program, struct descriptor *ret)
{
    static const char *const dirs[] = {"bin/", "dev/", "proc/", "sys/", "tmp/"};
    _cleanup_close_ int fd = open(program, O_RDONLY | O_CLOEXEC);
    _cleanup_(blob_done) struct blob blob = {.fd = -1};
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        return try_fail_errno(t, errno, program);
    if (!is_static(fd))
        return try_fail(t, COCO_ERR_NOTSUP, "%s is not static: apt-get install busybox-static",
                        program);
    coco_status status = blob_open(t, &blob);
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && status == COCO_OK; i++)
        status = write_header(t, &blob, dirs[i], 0755, 0);
    if (status == COCO_OK)
        status = write_program(t, &blob, fd, (uint64_t)st.st_size);
    if (status == COCO_OK)
        status = write_zeros(t, &blob, 2 * BLOCK); /* the end of the archive */
    if (status == COCO_OK)
        status = blob_end(t, &blob, ret);
    return status;
}

/* Takes over object. */
static coco_status
write_json(struct try *t, cJSON *object, struct descriptor *ret)
{
    _cleanup_(cJSON_Deletep) cJSON *owned = object;
    _cleanup_free_ char *text = owned ? cJSON_PrintUnformatted(owned) : NULL;
    _cleanup_(blob_done) struct blob blob = {.fd = -1};

    if (!text)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    coco_status status = blob_open(t, &blob);
    if (status == COCO_OK)
        status = blob_write(t, &blob, text, strlen(text));
    if (status == COCO_OK)
        status = blob_end(t, &blob, ret);
    return status;
}

static void
add_digest(cJSON *to, const char *name, const char *hex)
{
    char text[sizeof("sha256:") + HEX_SIZE];

    (void)snprintf(text, sizeof(text), "sha256:%s", hex);
    if (name)
        cJSON_AddStringToObject(to, name, text);
    else
        cJSON_AddItemToArray(to, cJSON_CreateString(text));
}

static cJSON *
descriptor_json(const struct descriptor *d)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "mediaType", d->type);
    add_digest(object, "digest", d->hex);
    cJSON_AddNumberToObject(object, "size", (double)d->size);
    return object;
}

/* This machine's architecture as images call it. */
static const char *
architecture(const struct utsname *uts)
{
    if (strcmp(uts->machine, "x86_64") == 0)
        return "amd64";
    return strcmp(uts->machine, "aarch64") == 0 ? "arm64" : uts->machine;
}

static cJSON *
config_json(const struct descriptor *layer, const char *arch)
{
    static const char *const words[] = {"/bin/busybox", "echo",
                                        "Hello from an image that only this machine could open."};
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "architecture", arch);
    cJSON_AddStringToObject(object, "os", "linux");
    cJSON *command = cJSON_AddArrayToObject(cJSON_AddObjectToObject(object, "config"), "Cmd");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        cJSON_AddItemToArray(command, cJSON_CreateString(words[i]));
    cJSON *rootfs = cJSON_AddObjectToObject(object, "rootfs");
    cJSON_AddStringToObject(rootfs, "type", "layers");
    add_digest(cJSON_AddArrayToObject(rootfs, "diff_ids"), NULL, layer->hex);
    return object;
}

static cJSON *
manifest_json(const struct descriptor *config, const struct descriptor *layer)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddNumberToObject(object, "schemaVersion", 2);
    cJSON_AddStringToObject(object, "mediaType", MANIFEST_TYPE);
    cJSON_AddItemToObject(object, "config", descriptor_json(config));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(object, "layers"), descriptor_json(layer));
    return object;
}

static cJSON *
index_json(const struct descriptor *manifest)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *entry = descriptor_json(manifest);

    cJSON_AddStringToObject(cJSON_AddObjectToObject(entry, "annotations"),
                            "org.opencontainers.image.ref.name", "app");
    cJSON_AddNumberToObject(object, "schemaVersion", 2);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(object, "manifests"), entry);
    return object;
}

/* One of the two files of a layout that have a name of their own. */
static coco_status
write_named(struct try *t, const char *name, const char *text)
{
    _cleanup_free_ char *path = try_path(t, name);

    if (!path || !text)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    FILE *file = fopen(path, "wxe");
    if (!file)
        return try_fail_errno(t, errno, path);
    bool ok = fputs(text, file) >= 0;
    ok = fclose(file) == 0 && ok;
    return ok ? COCO_OK : try_fail_errno(t, errno, path);
}

static coco_status
make_dirs(struct try *t)
{
    static const char *const names[] = {"layout", "layout/blobs", "layout/blobs/sha256"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        _cleanup_free_ char *path = try_path(t, names[i]);

        if (!path || mkdir(path, 0700) != 0)
            return try_fail_errno(t, path ? errno : ENOMEM, names[i]);
    }
    return COCO_OK;
}

coco_status
try_write_layout(struct try *t, const char *program)
{
    struct descriptor layer = {.type = LAYER_TYPE};
    struct descriptor config = {.type = CONFIG_TYPE};
    struct descriptor manifest = {.type = MANIFEST_TYPE};
    struct utsname uts;

    if (uname(&uts) != 0)
        return try_fail_errno(t, errno, "uname");
    coco_status status = make_dirs(t);
    if (status == COCO_OK)
        status = write_layer(t, program, &layer);
    if (status == COCO_OK)
        status = write_json(t, config_json(&layer, architecture(&uts)), &config);
    if (status == COCO_OK)
        status = write_json(t, manifest_json(&config, &layer), &manifest);
    if (status != COCO_OK)
        return status;

    _cleanup_(cJSON_Deletep) cJSON *index = index_json(&manifest);
    _cleanup_free_ char *text = cJSON_PrintUnformatted(index);
    status = write_named(t, "layout/index.json", text);
    if (status == COCO_OK)
        status = write_named(t, "layout/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    t->bytes = layer.size;
    return status;
}
