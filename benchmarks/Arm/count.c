/* A plugin of QEMU's emulators: how many instructions ran, and how many of those were a fused multiply-add of four float32. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* As qemu-plugin.h of QEMU 7 and 8 declares them: Debian has the emulator without that file. */
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*translated)(qemu_plugin_id_t id, struct qemu_plugin_tb *block));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, enum qemu_plugin_op op, void *counter, uint64_t value);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*ended)(qemu_plugin_id_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static FILE *output;
static uint64_t all, multiply_adds;

/* FMLA Vd.4S, Vn.4S, and Vm.4S or one element of Vm. */
static int is_multiply_add(const struct qemu_plugin_insn *instruction)
{
    uint32_t word;
    memcpy(&word, qemu_plugin_insn_data(instruction), sizeof word);
    return (word & 0xFFE0FC00) == 0x4E20CC00 || (word & 0xFFC0F400) == 0x4F801000;
}

/* A block has no way out but its last instruction. */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    size_t count = qemu_plugin_tb_n_insns(block);
    uint64_t found = 0;
    for (size_t i = 0; i < count; i++) found += is_multiply_add(qemu_plugin_tb_get_insn(block, i));
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &all, count);
    if (found > 0) qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &multiply_adds, found);
    (void)id;
}

static void ended(qemu_plugin_id_t id, void *data)
{
    fprintf(output, "%" PRIu64 " %" PRIu64 "\n", all, multiply_adds);
    fclose(output);
    (void)id, (void)data;
}

/* Its one argument is the file to write. */
__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void *about, int count, char **arguments)
{
    const char *path = count == 1 ? strchr(arguments[0], '=') : NULL;
    if (path == NULL || (output = fopen(path + 1, "w")) == NULL) return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    (void)about;
    return 0;
}
