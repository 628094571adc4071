/* SPDX-License-Identifier: GPL-2.0-or-later */

/* iommuctl status: what this machine offers for giving devices to user space. */

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "cli.h"
#include "util/cleanup.h"

DEFINE_CLEANUP(struct iommuctl_topology *, iommuctl_topology_free)
DEFINE_CLEANUP(struct iommuctl_machine *, iommuctl_machine_free)

static const struct {
        const char *json, *text;
} kinds[] = {
        [IOMMUCTL_UNIT_UNKNOWN] = { "unknown", "IOMMU" },
        [IOMMUCTL_UNIT_INTEL_VT_D] = { "intel-vt-d", "Intel VT-d" },
        [IOMMUCTL_UNIT_AMD_VI] = { "amd-vi", "AMD-Vi" },
        [IOMMUCTL_UNIT_ARM_SMMU_V3] = { "arm-smmu-v3", "ARM SMMUv3" },
        [IOMMUCTL_UNIT_VIRTIO_IOMMU] = { "virtio-iommu", "virtio-iommu" },
        [IOMMUCTL_UNIT_RISCV_IOMMU] = { "riscv-iommu", "RISC-V IOMMU" },
};

static const char *const states[] = {
        [IOMMUCTL_STATE_UNKNOWN] = "unknown",
        [IOMMUCTL_STATE_OFF] = "off",
        [IOMMUCTL_STATE_ON] = "on",
};

static void names_json(struct sink *out, const char *key, const struct iommuctl_machine *m, size_t n,
                       const char *(*get)(const struct iommuctl_machine *m, size_t index))
{
        sink_begin_array(out, key);
        for (size_t i = 0; i < n; i++)
                sink_string(out, NULL, get(m, i));
        sink_end_array(out);
}

static void status_json(struct sink *out, const struct iommuctl_topology *t, const struct iommuctl_machine *m)
{
        sink_begin_document(out);
        sink_string(out, "kernel", iommuctl_machine_kernel(m));
        sink_begin_array(out, "units");
        for (size_t i = 0; i < iommuctl_topology_n_units(t); i++) {
                sink_begin_object(out, NULL);
                sink_string(out, "name", iommuctl_topology_unit_name(t, i));
                sink_string(out, "kind", kinds[iommuctl_topology_unit_kind(t, i)].json);
                sink_end_object(out);
        }
        sink_end_array(out);
        if (iommuctl_topology_groups_known(t))
                sink_uint(out, "groups", iommuctl_topology_n_groups(t));
        else
                sink_null(out, "groups");
        sink_string(out, "interrupt_remapping", states[iommuctl_machine_interrupt_remapping(m)]);
        sink_begin_array(out, "backends");
        if (iommuctl_machine_has_iommufd(m))
                sink_string(out, NULL, "iommufd");
        if (iommuctl_machine_has_type1(m))
                sink_string(out, NULL, "type1");
        sink_end_array(out);
        names_json(out, "modules", m, iommuctl_machine_n_modules(m), iommuctl_machine_module);
        names_json(out, "pending_changes", m, iommuctl_machine_n_pending(m), iommuctl_machine_pending);
        sink_end_object(out);
}

static void row(struct sink *out, enum style style, const char *label, const char *text)
{
        sink_cell(out, STYLE_DIM, "%s", label);
        sink_cell(out, style, "%s", text);
        sink_end_row(out);
}

/* A list in one cell, "none" where it is empty. */
static void list_row(struct sink *out, const char *label, const struct iommuctl_machine *m, size_t n,
                     const char *(*get)(const struct iommuctl_machine *m, size_t index))
{
        char text[1024] = "none";
        size_t used = 0;

        for (size_t i = 0; i < n && used < sizeof(text) - 1; i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.128s", i ? ", " : "",
                                         get(m, i));
        row(out, STYLE_PLAIN, label, text);
}

static void unit_row(struct sink *out, const struct iommuctl_topology *t, size_t i)
{
        char text[512];

        snprintf(text, sizeof(text), "%s, %s", iommuctl_topology_unit_name(t, i),
                 kinds[iommuctl_topology_unit_kind(t, i)].text);
        row(out, STYLE_PLAIN, "IOMMU", text);
}

static void limit_text(rlim_t limit, char *text, size_t size)
{
        if (limit == RLIM_INFINITY)
                snprintf(text, size, "unlimited");
        else
                snprintf(text, size, "%" PRIu64 " KiB", (uint64_t)limit / 1024);
}

/* How much memory this process, and what it starts, may have mapped for DMA. */
static void memlock_row(struct sink *out)
{
        char soft[32], hard[32], text[80];
        struct rlimit limit;

        if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
                return;
        limit_text(limit.rlim_cur, soft, sizeof(soft));
        limit_text(limit.rlim_max, hard, sizeof(hard));
        snprintf(text, sizeof(text), limit.rlim_cur == limit.rlim_max ? "%s" : "%s, may be raised to %s",
                 soft, hard);
        row(out, STYLE_PLAIN, "memlock limit", text);
}

static void status_text(struct cli *cli, const struct iommuctl_topology *t, const struct iommuctl_machine *m)
{
        enum iommuctl_state remapping = iommuctl_machine_interrupt_remapping(m);
        bool iommufd = iommuctl_machine_has_iommufd(m), type1 = iommuctl_machine_has_type1(m);
        struct sink *out = cli->out;
        char text[32];

        row(out, STYLE_PLAIN, "kernel", iommuctl_machine_kernel(m) ?: "unreadable");
        for (size_t i = 0; i < iommuctl_topology_n_units(t); i++)
                unit_row(out, t, i);
        if (iommuctl_topology_n_units(t) == 0)
                row(out, STYLE_WARN, "IOMMU", "none that the kernel drives");
        snprintf(text, sizeof(text), "%zu", iommuctl_topology_n_groups(t));
        if (!iommuctl_topology_groups_known(t))
                strcpy(text, "unknown");
        row(out, STYLE_PLAIN, "groups", text);
        row(out,
            remapping == IOMMUCTL_STATE_ON    ? STYLE_GOOD
            : remapping == IOMMUCTL_STATE_OFF ? STYLE_WARN
                                              : STYLE_PLAIN,
            "interrupt remapping", states[remapping]);
        row(out, iommufd || type1 ? STYLE_PLAIN : STYLE_WARN, "backends",
            iommufd && type1 ? "iommufd, type1"
            : iommufd        ? "iommufd"
            : type1          ? "type1"
                             : "none: VFIO is not loaded");
        list_row(out, "modules", m, iommuctl_machine_n_modules(m), iommuctl_machine_module);
        list_row(out, "changed devices", m, iommuctl_machine_n_pending(m), iommuctl_machine_pending);
        if (!cli->root)
                memlock_row(out);
        sink_table_end(out);
}

static int run(struct cli *cli, int argc, char **argv)
{
        struct iommuctl_topology *t _cleanup_(iommuctl_topology_freep) = NULL;
        struct iommuctl_machine *m _cleanup_(iommuctl_machine_freep) = NULL;
        const char *value;
        int r;

        if (cli_option(cli, argc, argv, &value) != -1)
                return EXIT_USAGE;
        if (argc != optind)
                return cli_usage_error(cli, "'status' takes no argument, and got '%s'", argv[optind]);
        r = iommuctl_topology_new(cli->ctx, 0, &t);
        if (r >= 0)
                r = iommuctl_machine_new(cli->ctx, &m);
        if (r < 0)
                return cli_library_error(cli, r);
        if (cli->json)
                status_json(cli->out, t, m);
        else
                status_text(cli, t, m);
        return EXIT_DONE;
}

const struct command cmd_status = {
        .name = "status",
        .arguments = "",
        .summary = "Tell which IOMMU there is and what the kernel offers",
        .run = run,
};
