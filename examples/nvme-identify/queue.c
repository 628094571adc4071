/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Queue pairs: a command goes into the submission queue, its answer comes in the completion queue, and the
 * entries that are new there are told by a bit, the phase, that changes with each pass (4.1, 4.6). */

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "nvme.h"

enum {
        COMMAND_LIMIT_MS =
                30000, /* as long as Linux waits for I/O (drivers/nvme/host/core.c, nvme_io_timeout) */
        LOOK_MS = 100, /* how often the controller is looked at meanwhile */
        POLL_NS = 20000,
};

uint64_t nvme_iova(const struct nvme *nvme, unsigned int page)
{
        return nvme->memory.iova + (uint64_t)page * NVME_PAGE;
}

unsigned char *nvme_data(const struct nvme *nvme)
{
        return (unsigned char *)nvme->memory.vaddr + NVME_AT_DATA * NVME_PAGE;
}

void nvme_queue_init(struct nvme *nvme, struct nvme_queue *queue, unsigned int id, unsigned int sq_page)
{
        char *memory = (char *)nvme->memory.vaddr + (size_t)sq_page * NVME_PAGE;
        size_t stride = (size_t)4 << NVME_CAP_DSTRD(nvme->cap);

        memset(memory, 0, 2 * NVME_PAGE); /* entries of phase 0: the first pass writes 1 */
        queue->sq = (void *)memory;
        queue->cq = (void *)(memory + NVME_PAGE);
        queue->sq_doorbell = nvme->registers + NVME_DOORBELLS + 2 * id * stride;
        queue->cq_doorbell = queue->sq_doorbell + stride;
        queue->tail = queue->head = 0;
        queue->phase = 1;
}

static uint64_t now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The next answer, where it is there: nothing of it is read before the phase says so. */
static bool answered(const struct nvme_queue *queue)
{
        uint16_t status = __atomic_load_n(&queue->cq[queue->head].status, __ATOMIC_ACQUIRE);

        return (le16toh(status) & 1) == queue->phase;
}

static int await_answer(struct nvme *nvme, struct nvme_queue *queue, const char *what)
{
        uint64_t end = now_ms() + COMMAND_LIMIT_MS, look = now_ms() + LOOK_MS;
        int r;

        while (!answered(queue)) {
                if (nvme->irq) {
                        r = iommuctl_irq_wait(nvme->irq, 0, LOOK_MS, NULL);
                        if (r < 0 && r != -ETIMEDOUT && r != -EINTR)
                                return r;
                } else {
                        nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
                }
                if (now_ms() < look)
                        continue;
                look = now_ms() + LOOK_MS;
                r = nvme_check_alive(nvme);
                if (r < 0)
                        return r;
                if (now_ms() >= end)
                        return nvme_error(nvme, -ETIMEDOUT, "%s: no answer in %d s", what,
                                          COMMAND_LIMIT_MS / 1000);
        }
        return 0;
}

/* Takes the answer out of the queue and gives its place back. */
static int take_answer(struct nvme *nvme, struct nvme_queue *queue, const char *what)
{
        struct nvme_completion answer = queue->cq[queue->head];
        unsigned int status = le16toh(answer.status) >> 1;

        if (++queue->head == NVME_ENTRIES) {
                queue->head = 0;
                queue->phase ^= 1;
        }
        iommuctl_mmio_write32(queue->cq_doorbell, queue->head);
        if (le16toh(answer.command_id) != nvme->command_id) {
                nvme->lost = true;
                return nvme_error(nvme, -EPROTO,
                                  "%s: the controller answered command %u, command %u was sent", what,
                                  le16toh(answer.command_id), nvme->command_id);
        }
        if ((status & 0x7ff) != 0)
                return nvme_error(nvme, -EIO, "%s: %s (status 0x%x%s)", what, nvme_status_text(status),
                                  status & 0x7ff, status & 0x4000 ? ", will not pass on a retry" : "");
        return 0;
}

int nvme_run(struct nvme *nvme, struct nvme_queue *queue, const char *what,
             const struct nvme_command *command)
{
        uint32_t *entry = queue->sq[queue->tail];
        int r;

        if (nvme->lost)
                return nvme_error(nvme, -EIO, "%s: the controller does not answer", what);
        if (nvme->stop && *nvme->stop)
                return -EINTR;
        nvme->command_id++;
        memset(entry, 0, sizeof(queue->sq[0]));
        entry[0] = htole32(command->opcode | (uint32_t)nvme->command_id << 16);
        entry[1] = htole32(command->nsid);
        entry[6] = htole32((uint32_t)command->data); /* PRP 1: one page, which the second is not needed for */
        entry[7] = htole32((uint32_t)(command->data >> 32));
        entry[10] = htole32(command->cdw10);
        entry[11] = htole32(command->cdw11);
        entry[12] = htole32(command->cdw12);
        queue->tail = (queue->tail + 1) % NVME_ENTRIES;
        iommuctl_mmio_write32(queue->sq_doorbell, queue->tail);

        r = await_answer(nvme, queue, what);
        if (r < 0) {
                nvme->lost = true; /* the command may still be under way, with our memory in its hands */
                return r;
        }
        return take_answer(nvme, queue, what);
}

/* One pair, of number 1. A completion queue is made before the submission queue that answers into it, and
 * goes after it (5.3, 5.4). */
int nvme_create_io_queues(struct nvme *nvme)
{
        uint32_t size_and_id = (uint32_t)(NVME_ENTRIES - 1) << 16 | 1;
        struct nvme_command number = { .opcode = NVME_ADMIN_SET_FEATURES, .cdw10 = NVME_FEATURE_QUEUES };
        struct nvme_command cq = {
                .opcode = NVME_ADMIN_CREATE_CQ,
                .data = nvme_iova(nvme, NVME_AT_IO_CQ),
                .cdw10 = size_and_id,
                .cdw11 = nvme->irq ? 3 : 1, /* contiguous; interrupts on, by vector 0 */
        };
        struct nvme_command sq = {
                .opcode = NVME_ADMIN_CREATE_SQ,
                .data = nvme_iova(nvme, NVME_AT_IO_SQ),
                .cdw10 = size_and_id,
                .cdw11 = 1 << 16 | 1, /* answers go to completion queue 1; contiguous */
        };
        int r;

        nvme_queue_init(nvme, &nvme->io, 1, NVME_AT_IO_SQ);
        r = nvme_run(nvme, &nvme->admin, "Set Features, Number of Queues", &number);
        if (r == 0)
                r = nvme_run(nvme, &nvme->admin, "Create I/O Completion Queue", &cq);
        if (r == 0)
                r = nvme_run(nvme, &nvme->admin, "Create I/O Submission Queue", &sq);
        nvme->has_io_queues = r == 0;
        return r;
}

int nvme_delete_io_queues(struct nvme *nvme)
{
        struct nvme_command sq = { .opcode = NVME_ADMIN_DELETE_SQ, .cdw10 = 1 };
        struct nvme_command cq = { .opcode = NVME_ADMIN_DELETE_CQ, .cdw10 = 1 };
        int r;

        if (!nvme->has_io_queues)
                return 0;
        nvme->has_io_queues = false;
        r = nvme_run(nvme, &nvme->admin, "Delete I/O Submission Queue", &sq);
        return r == 0 ? nvme_run(nvme, &nvme->admin, "Delete I/O Completion Queue", &cq) : r;
}
