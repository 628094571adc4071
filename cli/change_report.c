/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "change_report.h"

#include <errno.h>
#include <stdlib.h>

#include "selection.h"
#include "util/cleanup.h"

DEFINE_CLEANUP(struct iommuctl_topology *, iommuctl_topology_free)
DEFINE_CLEANUP(struct iommuctl_change *, iommuctl_change_free)

#define TIMEOUT_MAX_S 86400.0

static int bad_hazard(struct cli *cli, const char *name)
{
        char names[256] = "";

        for (unsigned int bit = 1; iommuctl_hazard_name(bit); bit <<= 1)
                snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", bit > 1 ? ", " : "",
                         iommuctl_hazard_name(bit));
        return cli_usage_error(cli, "--allow: '%s' is not a hazard; there are %s", name, names);
}

static int take_allow(struct cli *cli, const char *value, unsigned int *ret_allowed)
{
        char list[256], *save = NULL;

        if (snprintf(list, sizeof(list), "%s", value) >= (int)sizeof(list) || !*value)
                return bad_hazard(cli, value);
        for (char *name = strtok_r(list, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
                enum iommuctl_hazard hazard;

                if (iommuctl_hazard_parse(name, &hazard) < 0)
                        return bad_hazard(cli, name);
                *ret_allowed |= hazard;
        }
        return EXIT_DONE;
}

static int take_timeout(struct cli *cli, const char *value, double *ret_timeout)
{
        char *end;

        *ret_timeout = strtod(value, &end);
        if (end == value || *end || !(*ret_timeout >= 0.1 && *ret_timeout <= TIMEOUT_MAX_S))
                return cli_usage_error(cli, "--timeout: '%s' is not a number of seconds from 0.1 to %.0f",
                                       value, TIMEOUT_MAX_S);
        return EXIT_DONE;
}

int change_options(struct cli *cli, int argc, char **argv, struct change_request *request)
{
        const char *value;
        int id, status = EXIT_DONE;

        while (status == EXIT_DONE && (id = cli_option(cli, argc, argv, &value)) != -1)
                switch (id) {
                case OPTION_DRY_RUN:
                        request->dry_run = true;
                        break;
                case OPTION_GROUP:
                        request->group = true;
                        break;
                case OPTION_ALL:
                        request->all = true;
                        break;
                case OPTION_DRIVER:
                        request->driver = value;
                        break;
                case OPTION_ALLOW:
                        status = take_allow(cli, value, &request->allowed);
                        break;
                case OPTION_TIMEOUT:
                        status = take_timeout(cli, value, &request->timeout);
                        break;
                default:
                        return EXIT_USAGE;
                }
        return status;
}

static void report_step(struct cli *cli, const struct iommuctl_change *change, size_t i)
{
        const char *from = iommuctl_change_step_from(change, i), *to = iommuctl_change_step_to(change, i);
        const char *node = iommuctl_change_step_vfio_node(change, i);
        const char *cdev = iommuctl_change_step_vfio_cdev(change, i);
        bool changed = iommuctl_change_step_changed(change, i);

        sink_begin_object(cli->out, NULL);
        sink_string(cli->out, "address", iommuctl_change_step_device(change, i));
        sink_string(cli->out, "from", from);
        sink_string(cli->out, "to", to);
        sink_bool(cli->out, "changed", changed);
        sink_string(cli->out, "vfio_node", node);
        sink_string(cli->out, "vfio_cdev", cdev);
        sink_end_object(cli->out);

        sink_cell(cli->out, STYLE_BOLD, "%s", iommuctl_change_step_device(change, i));
        if (changed)
                sink_cell(cli->out, node ? STYLE_VFIO : STYLE_PLAIN, "%s → %s", from ?: "no driver",
                          to ?: "no driver");
        else
                sink_cell(cli->out, STYLE_DIM, "%s (unchanged)", to ?: "no driver");
        if (node || cdev)
                sink_cell(cli->out, STYLE_PLAIN, "%s%s%s", node ?: "", node && cdev ? "  " : "", cdev ?: "");
        sink_end_row(cli->out);
}

static void report_hazards(struct cli *cli, const struct iommuctl_change *change)
{
        sink_begin_array(cli->out, "hazards");
        for (size_t i = 0; i < iommuctl_change_n_hazards(change); i++) {
                const char *device = iommuctl_change_hazard_device(change, i);
                const char *name = iommuctl_hazard_name(iommuctl_change_hazard_kind(change, i));
                const char *detail = iommuctl_change_hazard_detail(change, i);
                bool allowed = iommuctl_change_hazard_allowed(change, i);

                sink_begin_object(cli->out, NULL);
                sink_string(cli->out, "address", device);
                sink_string(cli->out, "hazard", name);
                sink_string(cli->out, "detail", detail);
                sink_bool(cli->out, "allowed", allowed);
                sink_end_object(cli->out);
                /* What is not allowed is why it fails: that is said to who asks for quiet, too. */
                if (allowed) {
                        cli_note(cli, "%s  %s (allowed): %s", device, name, detail);
                } else {
                        fflush(stdout);
                        fprintf(stderr, "%s  %s: %s\n", device, name, detail);
                }
        }
        sink_end_array(cli->out);
}

/* The value as a shell would be given it: only the clearing newline needs another look. */
static void report_writes(struct cli *cli, const struct iommuctl_change *change)
{
        sink_begin_array(cli->out, "modules");
        for (size_t i = 0; i < iommuctl_change_n_modules(change); i++) {
                sink_string(cli->out, NULL, iommuctl_change_module(change, i));
                sink_text(cli->out, "would load the module %s\n", iommuctl_change_module(change, i));
        }
        sink_end_array(cli->out);
        sink_begin_array(cli->out, "writes");
        for (size_t i = 0; i < iommuctl_change_n_writes(change); i++) {
                const char *path = iommuctl_change_write_path(change, i);
                const char *value = iommuctl_change_write_value(change, i);

                sink_begin_object(cli->out, NULL);
                sink_string(cli->out, "path", path);
                sink_string(cli->out, "value", value);
                sink_end_object(cli->out);
                sink_text(cli->out, "would write %s to %s\n", streq(value, "\n") ? "'\\n'" : value, path);
        }
        sink_end_array(cli->out);
}

static bool any_changed(const struct iommuctl_change *change)
{
        for (size_t i = 0; i < iommuctl_change_n_steps(change); i++)
                if (iommuctl_change_step_changed(change, i))
                        return true;
        return false;
}

/* Begins the one document; the caller ends it. */
static void report(struct cli *cli, const struct iommuctl_change *change, bool applied, bool dry_run)
{
        sink_begin_document(cli->out);
        sink_bool(cli->out, "applied", applied);
        sink_begin_array(cli->out, "changes");
        for (size_t i = 0; i < iommuctl_change_n_steps(change); i++)
                report_step(cli, change, i);
        sink_end_array(cli->out);
        if (applied || dry_run || any_changed(change))
                sink_table_end(cli->out);
        report_hazards(cli, change);
        if (dry_run)
                report_writes(cli, change);
}

static enum exit_status status_of(int r)
{
        switch (r) {
        case -ECANCELED:
                return EXIT_REFUSED;
        case -ENODEV:
        case -EACCES:
        case -EPERM:
        case -ETIMEDOUT:
                return cli_status(r);
        default:
                return EXIT_FAILED;
        }
}

static void say_what_helps(struct cli *cli, const struct iommuctl_change *change)
{
        unsigned int refused = 0;
        char names[256] = "";

        for (size_t i = 0; i < iommuctl_change_n_hazards(change); i++)
                if (!iommuctl_change_hazard_allowed(change, i))
                        refused |= iommuctl_change_hazard_kind(change, i);
        if (refused & IOMMUCTL_HAZARD_GROUP_NOT_VIABLE)
                cli_note(cli, "Add --group to take the rest of the group along.");
        refused &= ~(unsigned int)(IOMMUCTL_HAZARD_GROUP_NOT_VIABLE | IOMMUCTL_HAZARD_NON_ENDPOINT);
        for (unsigned int bit = 1; iommuctl_hazard_name(bit); bit <<= 1)
                if (refused & bit)
                        snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
                                 *names ? "," : "", iommuctl_hazard_name(bit));
        if (*names)
                cli_note(cli, "Where that is meant, add --allow=%s.", names);
}

/* A failure with its own document: the contract's, with an error in it. */
static int fail(struct cli *cli, const struct iommuctl_change *change, int r, bool dry_run)
{
        enum exit_status status = status_of(r);
        char message[1024] = "", device[64] = "";

        iommuctl_ctx_error(cli->ctx, message, sizeof(message));
        iommuctl_ctx_error_device(cli->ctx, device, sizeof(device));
        fflush(stdout);
        report(cli, change, false, dry_run);
        if (r == -ECANCELED) {
                char first[1024];

                snprintf(first, sizeof(first), "%s", message);
                snprintf(message, sizeof(message), "refused as unsafe, nothing was written: %.900s", first);
        }
        cli_error_fields(cli, status, r, *device ? device : NULL, message);
        sink_end_object(cli->out);
        sink_finish(cli->out);
        fprintf(stderr, "iommuctl: %s\n", message);
        if (r == -ECANCELED)
                say_what_helps(cli, change);
        return status;
}

/* An override that someone else left there is worth a word, for it keeps the native driver away. */
static void say_foreign_override(struct cli *cli, const char *device, const char *override)
{
        _cleanup_(iommuctl_topology_freep) struct iommuctl_topology *topology = NULL;
        const struct iommuctl_device_info *info;
        const char *bus = NULL;

        if (!cli->quiet && iommuctl_topology_new(cli->ctx, IOMMUCTL_READ_UNGROUPED, &topology) >= 0) {
                info = iommuctl_topology_find_device(topology, device);
                bus = info ? iommuctl_device_info_bus(info) : NULL;
        }
        cli_note(cli, "%s was not changed by iommuctl; something else set its driver_override to %s.", device,
                 override);
        if (bus)
                cli_note(cli, "'echo > /sys/bus/%s/devices/%s/driver_override' clears it.", bus, device);
}

/* A restore that had nothing to give back. */
static void say_not_changed(struct cli *cli, const struct iommuctl_change *change, bool all)
{
        for (size_t i = 0; i < iommuctl_change_n_steps(change); i++) {
                const char *device = iommuctl_change_step_device(change, i);
                const char *override = iommuctl_change_step_driver_override(change, i);

                if (iommuctl_change_step_noted(change, i) || iommuctl_change_step_changed(change, i))
                        continue;
                if (override)
                        say_foreign_override(cli, device, override);
                else
                        cli_note(cli, "%s was not changed by iommuctl: nothing to give back.", device);
        }
        if (all && iommuctl_change_n_steps(change) == 0)
                cli_note(cli, "Nothing was changed by iommuctl: nothing to give back.");
}

static int plan_or_apply(struct cli *cli, struct iommuctl_change *change,
                         const struct change_request *request)
{
        int r;

        r = request->dry_run ? iommuctl_change_plan(change) : iommuctl_change_apply(change);
        if (r < 0)
                return fail(cli, change, r, request->dry_run);
        report(cli, change, !request->dry_run, request->dry_run);
        if (request->dry_run && iommuctl_change_refused(change)) {
                cli_error_fields(cli, EXIT_REFUSED, -ECANCELED, NULL, "this would be refused as unsafe");
                sink_end_object(cli->out);
                cli_note(cli, "This would be refused as unsafe.");
                say_what_helps(cli, change);
                return EXIT_REFUSED;
        }
        sink_end_object(cli->out);
        if (request->restore)
                say_not_changed(cli, change, request->all);
        else if (!request->dry_run && any_changed(change))
                cli_note(cli, "'iommuctl restore --all' gives back what was there before.");
        return EXIT_DONE;
}

/* A device that was changed, and unplugged since: a restore by its address drops its note. */
static bool add_unplugged(struct cli *cli, struct iommuctl_change *change, const char *selector)
{
        struct iommuctl_machine *machine = NULL;
        bool found = false;

        if (iommuctl_machine_new(cli->ctx, &machine) < 0)
                return false;
        for (size_t i = 0; i < iommuctl_machine_n_pending(machine) && !found; i++) {
                const char *name = iommuctl_machine_pending(machine, i);

                found = (streq(name, selector) ||
                         (startswith(name, "0000:") && streq(name + strlen("0000:"), selector))) &&
                        iommuctl_change_add_restore(change, name) >= 0;
        }
        iommuctl_machine_free(machine);
        return found;
}

static int add_selector(struct cli *cli, struct iommuctl_change *change, struct iommuctl_topology *topology,
                        const struct change_aim *aim, const struct change_request *request,
                        const char *selector)
{
        _cleanup_free_ const struct iommuctl_device_info **devices = NULL;
        const struct iommuctl_group_info *group;
        int r, n;

        n = iommuctl_topology_select(topology, selector, &devices);
        if (n == -ENODEV && request->restore && add_unplugged(cli, change, selector))
                return EXIT_DONE;
        if (n < 0)
                return cli_library_error(cli, n);
        /* A group stands for its endpoints, which the library knows from bridges. Any other selector that
         * fits several devices would take a card that nobody meant: the host's own, of two that are alike. */
        if (n > 1 && !startswith(selector, "group:"))
                return selection_say_several(cli, selector, devices);
        if (startswith(selector, "group:")) {
                r = aim->add_group(change, iommuctl_device_info_group(devices[0]), request);
                return r < 0 ? cli_library_error(cli, r) : EXIT_DONE;
        }
        group = iommuctl_device_info_group(devices[0]);
        r = aim->add(change, devices[0], request);
        if (r >= 0 && request->group && group)
                r = aim->add_group(change, group, request);
        return r < 0 ? cli_library_error(cli, r) : EXIT_DONE;
}

static int add_selectors(struct cli *cli, struct iommuctl_change *change, const struct change_aim *aim,
                         const struct change_request *request, char *const selectors[])
{
        _cleanup_(iommuctl_topology_freep) struct iommuctl_topology *topology = NULL;
        int r, status = EXIT_DONE;

        if (request->all) {
                r = iommuctl_change_add_restore_all(change);
                return r < 0 ? cli_library_error(cli, r) : EXIT_DONE;
        }
        r = iommuctl_topology_new(cli->ctx, IOMMUCTL_READ_UNGROUPED, &topology);
        if (r < 0)
                return cli_library_error(cli, r);
        for (int i = 0; selectors[i] && status == EXIT_DONE; i++)
                status = add_selector(cli, change, topology, aim, request, selectors[i]);
        return status;
}

int change_run(struct cli *cli, const struct change_aim *aim, const struct change_request *request,
               char *const selectors[])
{
        _cleanup_(iommuctl_change_freep) struct iommuctl_change *change = NULL;
        int r, status;

        r = iommuctl_change_new(cli->ctx, &change);
        if (r < 0)
                return cli_library_error(cli, r);
        iommuctl_change_allow(change, request->allowed);
        if (request->timeout > 0)
                iommuctl_change_set_timeout(change, (unsigned int)(request->timeout * 1000 + 0.5));
        status = add_selectors(cli, change, aim, request, selectors);
        return status == EXIT_DONE ? plan_or_apply(cli, change, request) : status;
}
