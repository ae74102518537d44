#include "sandbox/filter.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <asm/ioctls.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#if defined(__x86_64__)
#define ARCH      AUDIT_ARCH_X86_64
#define LAST_CALL 0x3fffffffU /* above are those of x32 */
#elif defined(__aarch64__)
#define ARCH      AUDIT_ARCH_AARCH64
#define LAST_CALL UINT32_MAX
#endif

#ifdef ARCH

#define FIELD(member)         ((uint32_t)offsetof(struct seccomp_data, member))
#define LOAD(offset)          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define IS(value, yes, no)    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), (yes), (no))
#define ABOVE(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)(value), (yes), (no))
#define RETURN(what)          BPF_STMT(BPF_RET | BPF_K, (what))
#define ALLOW                 RETURN(SECCOMP_RET_ALLOW)
#define REFUSE                RETURN(SECCOMP_RET_ERRNO | EPERM)
#define KILL                  RETURN(SECCOMP_RET_KILL_PROCESS)

#define LOW(n)  FIELD(args[n]) /* both are little endian */
#define HIGH(n) (FIELD(args[n]) + 4)

/* The call's number is loaded; what follows its refusal finds it so. */
#define DENY(call) IS(SYS_##call, 0, 1), REFUSE

/* Leaves the number loaded. */
#define BEGIN LOAD(FIELD(arch)), IS(ARCH, 1, 0), KILL, LOAD(FIELD(nr)), ABOVE(LAST_CALL, 0, 1), KILL

#define KEYS_AND_TERMINALS                                                                 \
	DENY(keyctl), DENY(add_key), DENY(request_key), IS(SYS_ioctl, 0, 5), LOAD(LOW(1)), \
	    IS(TIOCSTI, 1, 0), IS(TIOCLINUX, 0, 1), REFUSE, LOAD(FIELD(nr))

/* Streams and packets of AF_UNIX, which send to nobody but their other end. */
#define ONLY_CONNECTED(call)                                                 \
	IS(SYS_##call, 0, 8), LOAD(LOW(0)), IS(AF_UNIX, 0, 5), LOAD(LOW(1)), \
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf), IS(SOCK_STREAM, 1, 0), \
	    IS(SOCK_SEQPACKET, 0, 1), ALLOW, REFUSE

/* sendto(2) without an address is send(2). */
#define ONLY_UNADDRESSED \
	IS(SYS_sendto, 0, 6), LOAD(LOW(4)), IS(0, 0, 3), LOAD(HIGH(4)), IS(0, 0, 1), ALLOW, REFUSE

static const struct sock_filter with_network[] = { BEGIN, KEYS_AND_TERMINALS, ALLOW };

static const struct sock_filter without_network[] = { BEGIN, KEYS_AND_TERMINALS,
	ONLY_CONNECTED(socket), ONLY_CONNECTED(socketpair), ONLY_UNADDRESSED, DENY(connect),
	DENY(bind), DENY(listen), DENY(accept), DENY(accept4), DENY(io_uring_setup),
	DENY(io_uring_enter), DENY(io_uring_register), ALLOW };

const void *
px_filter(bool network, size_t *out_len)
{
	*out_len = network ? sizeof with_network : sizeof without_network;
	return network ? with_network : without_network;
}

#else

const void *
px_filter(bool network, size_t *out_len)
{
	(void)network;
	*out_len = 0;
	return NULL;
}

#endif
