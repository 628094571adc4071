/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nvme.h"

/* NVM Express 1.4, figures 127 to 131: those that the commands of this program may end with. The key is the
 * status code type in bits 10:8 and the status code below. */
static const struct {
        unsigned int status;
        const char *text;
} texts[] = {
        { 0x001, "Invalid Command Opcode" },
        { 0x002, "Invalid Field in Command" },
        { 0x003, "Command ID Conflict" },
        { 0x004, "Data Transfer Error" },
        { 0x005, "Commands Aborted due to Power Loss Notification" },
        { 0x006, "Internal Error" },
        { 0x007, "Command Abort Requested" },
        { 0x008, "Command Aborted due to SQ Deletion" },
        { 0x00b, "Invalid Namespace or Format" },
        { 0x00c, "Command Sequence Error" },
        { 0x013, "PRP Offset Invalid" },
        { 0x015, "Operation Denied" },
        { 0x01c, "Sanitize Failed" },
        { 0x01d, "Sanitize In Progress" },
        { 0x020, "Namespace is Write Protected" },
        { 0x021, "Command Interrupted" },
        { 0x022, "Transient Transport Error" },
        { 0x080, "LBA Out of Range" },
        { 0x081, "Capacity Exceeded" },
        { 0x082, "Namespace Not Ready" },
        { 0x083, "Reservation Conflict" },
        { 0x084, "Format In Progress" },
        { 0x100, "Completion Queue Invalid" },
        { 0x101, "Invalid Queue Identifier" },
        { 0x102, "Invalid Queue Size" },
        { 0x108, "Invalid Interrupt Vector" },
        { 0x10c, "Invalid Queue Deletion" },
        { 0x181, "Invalid Protection Information" },
        { 0x182, "Attempted Write to Read Only Range" },
        { 0x280, "Write Fault" },
        { 0x281, "Unrecovered Read Error" },
        { 0x282, "End-to-end Guard Check Error" },
        { 0x286, "Access Denied" },
        { 0x287, "Deallocated or Unwritten Logical Block" },
};

const char *nvme_status_text(unsigned int status)
{
        static const char *const types[] = {
                "generic status",
                "command specific status",
                "media error",
                "path related status",
        };
        unsigned int type = status >> 8 & 7;

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                if (texts[i].status == (status & 0x7ff))
                        return texts[i].text;
        if (type < sizeof(types) / sizeof(types[0]))
                return types[type];
        return type == 7 ? "vendor specific status" : "reserved status";
}
