/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NVME_H
#define NVME_H

#include <iommuctl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers are from the NVM Express Base Specification, revision 1.4, whose sections are named; later
 * revisions only add to them. */

/* Registers in BAR 0 (3.1) */
enum {
        NVME_CAP = 0x00,  /* 64 bits: what the controller can do (3.1.1) */
        NVME_VS = 0x08,   /* version (3.1.2) */
        NVME_CC = 0x14,   /* configuration (3.1.5) */
        NVME_CSTS = 0x1c, /* status (3.1.6) */
        NVME_AQA =
                0x24, /* entries of the admin queues, less one: submission 11:0, completion 27:16 (3.1.8) */
        NVME_ASQ = 0x28, /* 64 bits: where they are (3.1.9, 3.1.10) */
        NVME_ACQ = 0x30,
        NVME_DOORBELLS = 0x1000, /* (3.1.24): submission tail and completion head of each queue pair */
};

/* CAP */
#define NVME_CAP_MQES(cap)   ((unsigned int)((cap)&0xffff) + 1)   /* entries that a queue may have */
#define NVME_CAP_TO(cap)     ((unsigned int)((cap) >> 24 & 0xff)) /* units of 500 ms */
#define NVME_CAP_DSTRD(cap)  ((unsigned int)((cap) >> 32 & 0xf))  /* doorbells are 4 << DSTRD bytes apart */
#define NVME_CAP_NVM(cap)    ((cap) >> 37 & 1)                    /* it knows the NVM command set */
#define NVME_CAP_MPSMIN(cap) ((unsigned int)((cap) >> 48 & 0xf))  /* its smallest page is 4096 << MPSMIN */

/* CC: the command set NVM and pages of 4 KiB are zeroes; entries are 1 << 6 and 1 << 4 bytes */
enum {
        NVME_CC_EN = 1 << 0,
        NVME_CC_SHN_NORMAL = 1 << 14,
        NVME_CC_IOSQES = 6 << 16,
        NVME_CC_IOCQES = 4 << 20,
};

/* CSTS */
enum {
        NVME_CSTS_RDY = 1 << 0,
        NVME_CSTS_CFS = 1 << 1, /* controller fatal status */
        NVME_CSTS_SHST = 3 << 2,
        NVME_CSTS_SHST_COMPLETE = 2 << 2,
};

/* Commands: admin ones (5, figure 139) and those of the command set NVM (6, figure 346) */
enum {
        NVME_ADMIN_DELETE_SQ = 0x00,
        NVME_ADMIN_CREATE_SQ = 0x01,
        NVME_ADMIN_DELETE_CQ = 0x04,
        NVME_ADMIN_CREATE_CQ = 0x05,
        NVME_ADMIN_IDENTIFY = 0x06,
        NVME_ADMIN_SET_FEATURES = 0x09,
        NVME_WRITE = 0x01,
        NVME_READ = 0x02,
        NVME_FEATURE_QUEUES = 0x07, /* how many I/O queues there may be (5.21.1.7) */
        NVME_WRITE_FUA = 1 << 30,   /* in CDW12: done when it is in the medium (6.15) */
};

enum {
        NVME_PAGE = 4096,
        NVME_ENTRIES = 16, /* of each queue; one command is under way at a time */

        /* what is where in the memory shared with the controller, in pages */
        NVME_AT_ADMIN_SQ = 0,
        NVME_AT_ADMIN_CQ,
        NVME_AT_IO_SQ,
        NVME_AT_IO_CQ,
        NVME_AT_DATA,
        NVME_N_PAGES,
        NVME_MEMORY = NVME_N_PAGES * NVME_PAGE,
};

/* What of a command differs from one to the next; all have one page of data at most (4.2). */
struct nvme_command {
        uint8_t opcode;
        uint32_t nsid;
        uint64_t data; /* its IOVA */
        uint32_t cdw10, cdw11, cdw12;
};

/* A completion queue entry (4.6) */
struct nvme_completion {
        uint32_t result;
        uint32_t reserved;
        uint16_t sq_head;
        uint16_t sq_id;
        uint16_t command_id;
        uint16_t status; /* bit 0 is the phase */
};

struct nvme_queue {
        uint32_t (*sq)[16];
        struct nvme_completion *cq;
        char *sq_doorbell, *cq_doorbell;
        unsigned int tail, head;
        unsigned int phase; /* of entries that are new in this pass of the completion queue */
};

/* A controller that is being driven: its device and the memory shared with it are the caller's. */
struct nvme {
        const char *name;
        struct iommuctl_device *device;
        struct iommuctl_span memory;
        const volatile sig_atomic_t
                *stop; /* no command is begun once this is set; NULL: what is begun is ended */
        struct iommuctl_region *bar;
        struct iommuctl_irq *irq; /* one vector for both queues; NULL: they are polled */
        const char *irq_name;
        char *registers;
        uint64_t cap;
        uint32_t version;
        uint16_t command_id;
        bool enabled, has_io_queues;
        bool lost; /* it answers no commands any more */
        struct nvme_queue admin, io;
        char error[256]; /* the text of what failed, where the library has none */
};

struct nvme_controller {
        char model[41], serial[21], firmware[9];
        uint32_t n_namespaces; /* the highest number that one may have */
};

struct nvme_namespace {
        uint32_t nsid;
        uint64_t n_blocks;
        uint32_t block_size, metadata_size;
};

/* controller.c: all return 0 or a negative errno, and say in nvme->error what is not the library's to say */
int nvme_error(struct nvme *nvme, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));
int nvme_start(struct nvme *nvme, bool poll);
int nvme_stop(struct nvme *nvme); /* from wherever nvme_start() came to */
int nvme_check_alive(struct nvme *nvme);

/* queue.c */
void nvme_queue_init(struct nvme *nvme, struct nvme_queue *queue, unsigned int id, unsigned int sq_page);
int nvme_run(struct nvme *nvme, struct nvme_queue *queue, const char *what,
             const struct nvme_command *command);
int nvme_create_io_queues(struct nvme *nvme);
int nvme_delete_io_queues(struct nvme *nvme);
uint64_t nvme_iova(const struct nvme *nvme, unsigned int page);
unsigned char *nvme_data(const struct nvme *nvme);

/* commands.c */
int nvme_identify_controller(struct nvme *nvme, struct nvme_controller *ret_controller);
int nvme_next_namespace(struct nvme *nvme, uint32_t after, uint32_t *ret_nsid); /* 0: there is none */
int nvme_identify_namespace(struct nvme *nvme, uint32_t nsid, struct nvme_namespace *ret_ns);
int nvme_read_block(struct nvme *nvme, const struct nvme_namespace *ns, uint64_t lba, void *block);
int nvme_write_block(struct nvme *nvme, const struct nvme_namespace *ns, uint64_t lba, const void *block);
int nvme_write_verified(struct nvme *nvme, const struct nvme_namespace *ns, uint64_t lba, const void *block);
int nvme_write_test(struct nvme *nvme, const struct nvme_namespace *ns, uint64_t lba);

/* status.c: a completion's status, without the phase, in the specification's words (4.6.1) */
const char *nvme_status_text(unsigned int status);

#endif
