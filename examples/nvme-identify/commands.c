/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is asked of the controller: who it is, what its namespaces are, and blocks in and out of them. */

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nvme.h"

/* CNS (5.15, figure 244): what Identify is to tell */
enum {
        IDENTIFY_NAMESPACE = 0,
        IDENTIFY_CONTROLLER = 1,
        IDENTIFY_ACTIVE_NAMESPACES = 2, /* since version 1.1 */
};

static int identify(struct nvme *nvme, uint32_t cns, uint32_t nsid, const char *what)
{
        struct nvme_command command = {
                .opcode = NVME_ADMIN_IDENTIFY,
                .nsid = nsid,
                .data = nvme_iova(nvme, NVME_AT_DATA),
                .cdw10 = cns,
        };

        memset(nvme_data(nvme), 0, NVME_PAGE);
        return nvme_run(nvme, &nvme->admin, what, &command);
}

static uint32_t get32(const unsigned char *at)
{
        uint32_t value;

        memcpy(&value, at, sizeof(value));
        return le32toh(value);
}

/* ASCII, filled up with spaces (1.5); what would upset a terminal is shown as a question mark. */
static void get_text(char *text, const unsigned char *at, size_t size)
{
        while (size > 0 && (at[size - 1] == ' ' || at[size - 1] == '\0'))
                size--;
        for (size_t i = 0; i < size; i++)
                text[i] = at[i] >= ' ' && at[i] <= '~' ? (char)at[i] : '?';
        text[size] = '\0';
}

/* Figure 247 */
int nvme_identify_controller(struct nvme *nvme, struct nvme_controller *ret_controller)
{
        const unsigned char *data = nvme_data(nvme);
        int r = identify(nvme, IDENTIFY_CONTROLLER, 0, "Identify Controller");

        if (r < 0)
                return r;
        get_text(ret_controller->serial, data + 4, 20);
        get_text(ret_controller->model, data + 24, 40);
        get_text(ret_controller->firmware, data + 64, 8);
        ret_controller->n_namespaces = get32(data + 516);
        return 0;
}

int nvme_next_namespace(struct nvme *nvme, uint32_t after, uint32_t *ret_nsid)
{
        struct nvme_controller controller;
        uint32_t next;
        int r;

        if (nvme->version >= 0x10100) {
                r = identify(nvme, IDENTIFY_ACTIVE_NAMESPACES, after, "Identify, active namespaces");
                if (r < 0)
                        return r;
                next = get32(nvme_data(nvme));
                if (next != 0 && next <= after) /* or it goes round for ever */
                        return nvme_error(nvme, -EPROTO, "its list of namespaces after %u begins with %u",
                                          after, next);
                *ret_nsid = next;
                return 0;
        }
        r = nvme_identify_controller(nvme, &controller); /* 1.0: they are numbered without a gap */
        if (r == 0)
                *ret_nsid = after < controller.n_namespaces ? after + 1 : 0;
        return r;
}

/* Figure 245: NSZE, FLBAS, and the format that it says is in use */
int nvme_identify_namespace(struct nvme *nvme, uint32_t nsid, struct nvme_namespace *ret_ns)
{
        const unsigned char *data = nvme_data(nvme);
        int r = identify(nvme, IDENTIFY_NAMESPACE, nsid, "Identify Namespace");
        uint32_t format;

        if (r < 0)
                return r;
        format = get32(data + 128 + (size_t)4 * (data[26] & 0xf));
        if ((format >> 16 & 0xff) < 9 || (format >> 16 & 0xff) > 31)
                return nvme_error(nvme, -ENXIO, "namespace %u is not there, or has no format", nsid);
        *ret_ns = (struct nvme_namespace){
                .nsid = nsid,
                .n_blocks = get32(data) | (uint64_t)get32(data + 4) << 32,
                .block_size = UINT32_C(1) << (format >> 16 & 0xff),
                .metadata_size = format & 0xffff,
        };
        return 0;
}

/* One block from or to the page for data (6.9, 6.15). */
static int transfer(struct nvme *nvme, const struct nvme_namespace *ns, uint64_t lba, uint8_t opcode)
{
        bool write = opcode == NVME_WRITE;
        struct nvme_command command = {
                .opcode = opcode,
                .nsid = ns->nsid,
                .data = nvme_iova(nvme, NVME_AT_DATA),
                .cdw10 = (uint32_t)lba,
                .cdw11 = (uint32_t)(lba >> 32),
                .cdw12 = write ? NVME_WRITE_FUA : 0, /* and the number of blocks, less one */
        };
        char what[64];

        if (ns->block_size > NVME_PAGE || ns->metadata_size > 0)
                return nvme_error(
                        nvme, -EOPNOTSUPP,
                        "namespace %u has blocks of %u bytes and %u of metadata; this program is made for "
                        "up to %d and none",
                        ns->nsid, ns->block_size, ns->metadata_size, NVME_PAGE);
        if (lba >= ns->n_blocks)
                return nvme_error(nvme, -ERANGE, "block %llu is not in namespace %u, which has %llu",
                                  (unsigned long long)lba, ns->nsid, (unsigned long long)ns->n_blocks);
        snprintf(what, sizeof(what), "%s of block %llu", write ? "Write" : "Read", (unsigned long long)lba);
        return nvme_run(nvme, &nvme->io, what, &command);
}

int nvme_read_block(struct nvme *nvme, const struct nvme_namespace *ns, uint64_t lba, void *block)
{
        int r;

        memset(nvme_data(nvme), 0xee, NVME_PAGE); /* what was there before is not taken for an answer */
        r = transfer(nvme, ns, lba, NVME_READ);
        if (r == 0)
                memcpy(block, nvme_data(nvme), ns->block_size);
        return r;
}

int nvme_write_block(struct nvme *nvme, const struct nvme_namespace *ns, uint64_t lba, const void *block)
{
        if (ns->block_size <= NVME_PAGE)
                memcpy(nvme_data(nvme), block, ns->block_size);
        return transfer(nvme, ns, lba, NVME_WRITE);
}

int nvme_write_verified(struct nvme *nvme, const struct nvme_namespace *ns, uint64_t lba, const void *block)
{
        unsigned char back[NVME_PAGE];
        int r;

        r = nvme_write_block(nvme, ns, lba, block);
        if (r == 0)
                r = nvme_read_block(nvme, ns, lba, back);
        if (r == 0 && memcmp(block, back, ns->block_size) != 0)
                r = nvme_error(nvme, -EBADMSG, "block %llu: what was read is not what was written",
                               (unsigned long long)lba);
        return r;
}

/* A pattern goes to the disk and comes back; then what was there before does, whatever became of the pattern,
 * and no signal comes between. */
int nvme_write_test(struct nvme *nvme, const struct nvme_namespace *ns, uint64_t lba)
{
        unsigned char before[NVME_PAGE], pattern[NVME_PAGE];
        int r, put_back;

        r = nvme_read_block(nvme, ns, lba, before);
        if (r < 0)
                return r;
        for (size_t i = 0; i < sizeof(pattern); i++)
                pattern[i] = (unsigned char)(before[i % ns->block_size] ^ (0xa5 + i * 7 + i / 256));
        nvme->stop = NULL;
        r = nvme_write_verified(nvme, ns, lba, pattern);
        put_back = nvme_write_verified(nvme, ns, lba, before);
        if (put_back < 0) {
                /* whose it is, where no text says more */
                nvme_error(nvme, put_back, "block %llu", (unsigned long long)lba);
                snprintf(nvme->error + strlen(nvme->error), sizeof(nvme->error) - strlen(nvme->error),
                         "; what was there before could not be written back");
        }
        return r ?: put_back;
}
