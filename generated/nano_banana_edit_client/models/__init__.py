"""Contains all the data models used in inputs/outputs"""

from .edit_accepted import EditAccepted
from .edit_request import EditRequest
from .error import Error
from .file_upload import FileUpload
from .image_size import ImageSize
from .output_format import OutputFormat
from .task import Task
from .task_file import TaskFile
from .uploaded_file import UploadedFile

__all__ = (
    "EditAccepted",
    "EditRequest",
    "Error",
    "FileUpload",
    "ImageSize",
    "OutputFormat",
    "Task",
    "TaskFile",
    "UploadedFile",
)
