"""Bytes and text of unknown origin made safe to keep and to show: lossless decoding, masking, clipping. No I/O."""
