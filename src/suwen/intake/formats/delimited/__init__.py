"""Delimited text: any delimiter, quote and encoding, in bounded memory, with offsets into the member's own bytes.

`survey` passes once over a member and says what is in it; `read` gives the rows of one of its pieces; `locate` finds a record's bytes again.
What a record is, and which is rejected how, is said in `scan`. The header with what stands before it, the records (accepted and rejected)
and the blank lines cover a member exactly, no byte twice.
"""

from suwen.intake.formats.delimited.locating import bytes_of, locate, locate_many, ranges
from suwen.intake.formats.delimited.member import Location, Member, Piece
from suwen.intake.formats.delimited.reading import direct_options, read, read_pieces
from suwen.intake.formats.delimited.surveying import PIECE_BYTES, survey

__all__ = ["PIECE_BYTES", "Location", "Member", "Piece", "bytes_of", "direct_options", "locate", "locate_many", "ranges", "read", "read_pieces", "survey"]
