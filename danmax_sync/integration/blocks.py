"""Sizes that the kernel, the matrix and the detector's compressor have in common."""

LANES = 8
"""Frames that are integrated at once."""
BLOCK = 2048
"""Pixels of a compressed block, as bitshuffle cuts frames of four bytes a pixel."""
PLANE = BLOCK // 8
"""Bytes of a bit-plane: one bit of each pixel of a block."""
SEGMENT = 8
"""Blocks after which sums of single precision are added to those of double precision. Part of the definition of the
result: another number may change its last digit."""
SLACK = 64
"""Bytes behind a buffer that a decoder may touch."""
HEADER = 12
"""Bytes before the first block of a chunk: its length, and that of a block."""
COMPRESSED, PLAIN, NOTHING = 0, 1, 2
"""What a lane gets: a chunk of bitshuffle and LZ4, an array of int32, or no frame at all."""
DAMAGED, TOO_BRIGHT = 1, 2
"""What can be wrong with a frame."""
LANE_PLANES = 32 * PLANE + SLACK + 192
"""Bytes of one lane's bit-planes, and the slack behind."""
LANE_BYTES = BLOCK * LANES
"""Bytes of one place value of all lanes."""
TILE_BYTES = 4 * BLOCK + 64
"""Bytes of as many finished numbers of a cake as are packed together; an odd number of cache lines."""
WORK = LANES * LANE_PLANES + 8 * LANE_BYTES + 64
"""Bytes of scratch."""
