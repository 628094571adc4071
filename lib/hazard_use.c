/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The hazard of a process that has a device open through VFIO, and who that is when an unbind hangs for it.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "hazard.h"

typedef int (*user_fn)(struct iommuctl_change *change, const struct step *step, pid_t pid, const char *comm,
                       const char *node, void *userdata);

/* Whether an open file's link is this node, also once the node is removed. */
static bool is_node(const char *link, const char *node)
{
        size_t length = strlen(node);

        return length > 0 && startswith(link, node) &&
               (link[length] == '\0' || streq(link + length, " (deleted)"));
}

/* The node of a device that VFIO is about to let go of is removed before its users are gone, and whose it was
 * can no longer be told. */
static bool was_removed(const char *link)
{
        return startswith(link, "/dev/vfio/devices/") && strstr(link, " (deleted)");
}

static bool is_looked_for(const struct step *step)
{
        return step->out_of_reach ||
               (driver_is_vfio(step->before.driver) && !streq(step->before.driver, step->want.driver));
}

static int look_at_file(struct iommuctl_change *change, pid_t pid, const char *comm, const char *link,
                        bool *said, user_fn fn, void *userdata)
{
        for (size_t i = 0; i < change->n_steps; i++) {
                const struct step *step = &change->steps[i];
                const char *node = is_node(link, step->nodes.group)          ? step->nodes.group
                                   : is_node(link, step->nodes.cdev)         ? step->nodes.cdev
                                   : step->out_of_reach && was_removed(link) ? link
                                                                             : NULL;
                int r;

                if (!node || said[i] || !is_looked_for(step))
                        continue;
                said[i] = true;
                r = fn(change, step, pid, comm, node, userdata);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* One process; what may not be looked at, or has ended meanwhile, has nothing to say. */
static int look_at_process(struct iommuctl_change *change, const char *pid, bool *said, user_fn fn,
                           void *userdata)
{
        struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
        char comm[32] = "", link[64];
        const char *fd;
        int r;

        if (dir_open(&dir, change->k, change->root_fd, "proc/%s/fd", pid) < 0)
                return 0;
        memset(said, 0, change->n_steps);
        while ((fd = dir_next(&dir))) {
                if (file_link(change->k, change->root_fd, link, sizeof(link), "proc/%s/fd/%s", pid, fd) < 0 ||
                    !startswith(link, "/dev/vfio/"))
                        continue;
                if (!*comm &&
                    file_read(change->k, change->root_fd, comm, sizeof(comm), "proc/%s/comm", pid) < 0)
                        strcpy(comm, "?");
                r = look_at_file(change, (pid_t)strtol(pid, NULL, 10), comm, link, said, fn, userdata);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int for_each_user(struct iommuctl_change *change, user_fn fn, void *userdata)
{
        struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
        _cleanup_free_ bool *said = calloc(change->n_steps + 1, sizeof(*said));
        const char *name;
        int r;

        if (!said)
                return ctx_error(change->ctx, -ENOMEM, NULL, "out of memory");
        r = dir_open(&dir, change->k, change->root_fd, "proc");
        if (r < 0)
                return ctx_error(change->ctx, r, NULL, "cannot read /proc: %s", strerror(-r));
        while ((name = dir_next(&dir)))
                if (strspn(name, "0123456789") == strlen(name)) {
                        r = look_at_process(change, name, said, fn, userdata);
                        if (r < 0)
                                return r;
                }
        return 0;
}

static int add_user(struct iommuctl_change *change, const struct step *step, pid_t pid, const char *comm,
                    const char *node, void *userdata)
{
        (void)userdata;
        return hazard_add(change, step->device.name, IOMMUCTL_HAZARD_IN_USE, "process %ld (%s) has %s open",
                          (long)pid, comm, node);
}

int hazard_in_use(struct iommuctl_change *change)
{
        for (size_t i = 0; i < change->n_steps; i++)
                if (is_looked_for(&change->steps[i]))
                        return for_each_user(change, add_user, NULL);
        return 0;
}

struct user_list {
        const struct step *step;
        char *text;
        size_t size, length;
};

static int list_user(struct iommuctl_change *change, const struct step *step, pid_t pid, const char *comm,
                     const char *node, void *userdata)
{
        struct user_list *list = userdata;

        (void)change;
        if (step == list->step && list->length < list->size)
                list->length += (size_t)snprintf(list->text + list->length, list->size - list->length,
                                                 "; process %ld (%s) has %s open", (long)pid, comm, node);
        return 0;
}

/* State and wait channel of a task: "D", "vfio_unregister_group_dev". */
static void describe_task(struct iommuctl_change *change, pid_t pid, char *text, size_t size)
{
        char stat[512], wchan[64] = "", comm[32] = "?";
        const char *end;
        char state = '?';

        file_read(change->k, change->root_fd, comm, sizeof(comm), "proc/%ld/comm", (long)pid);
        /* "312 (iommuctl) D …"; the name may hold anything, so the last parenthesis counts. */
        if (file_read(change->k, change->root_fd, stat, sizeof(stat), "proc/%ld/stat", (long)pid) > 0 &&
            (end = strrchr(stat, ')')) && end[1] == ' ')
                state = end[2];
        file_read(change->k, change->root_fd, wchan, sizeof(wchan), "proc/%ld/wchan", (long)pid);
        snprintf(text, size, ": task %ld (%s) is stuck in the kernel, state %c%s%s", (long)pid, comm, state,
                 *wchan && !streq(wchan, "0") ? ", in " : "", *wchan && !streq(wchan, "0") ? wchan : "");
}

void change_describe_stuck(struct iommuctl_change *change, const struct step *step, const struct stuck *stuck,
                           char *text, size_t size)
{
        struct user_list list = { .step = step, .text = text, .size = size };

        text[0] = '\0';
        if (stuck->pid != 0)
                describe_task(change, stuck->pid, text, size);
        list.length = strlen(text);
        for_each_user(change, list_user, &list);
}
