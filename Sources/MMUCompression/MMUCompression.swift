// MMUCompression: memory pages made small, and a pool to keep them in, for a compressed swap. It knows
// bytes and frames only. PageCompressor finds pages of one repeated word and writes the others in the
// LZ4 block format (LZ4Encoder, LZ4Decoder); CompressedPool packs the results into frames by size
// class.
