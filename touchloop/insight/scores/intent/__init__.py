"""What a visitor means to do: buy, or leave, within the visit; learned in batch, said live."""
